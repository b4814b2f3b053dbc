// Copying text: to the clipboard where the browser lets us, else shown so that a person can copy it.

class Copying {
  constructor(store, dialogs) {
    this.dialogs = dialogs
    store.on("copy", () => this.copy(...store.get("copy"))) // [text, what it is, what is said of it]
  }

  async copy(text, what, said = `${what} copied`) {
    try {
      await navigator.clipboard.writeText(text) // not there on a plain http page of another machine
    } catch {
      if (!this.byCommand(text)) return this.show(text, what)
    }
    this.dialogs.toast({text: said})
  }

  byCommand(text) {
    const area = h("textarea", {class: "away", "aria-hidden": "true"})
    area.value = text
    this.dialogs.el.append(area)
    area.select()
    let done = false
    try { done = document.execCommand("copy") } catch { done = false }
    area.remove()
    return done
  }

  show(text, what) {
    const area = h("textarea", {class: "to-copy", readonly: true, rows: "10", "aria-label": what})
    area.value = text
    this.dialogs.open(`Copy ${what}`, [h("p", {class: "muted"}, "This browser does not let a page copy: press Ctrl+C."), area], [])
    area.select()
  }
}
