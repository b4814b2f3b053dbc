// What comes over the page: a new category, editing one, exporting, the keys, what was found in the data, and short messages.

class Dialogs {
  constructor(store) {
    this.store = store
    this.categoryForm = new CategoryForm(store, this)
    this.toasts = h("div", {class: "toasts", role: "status", "aria-live": "polite"})
    this.el = h("div", {}, this.toasts, new Voice(store).el)
    this.written = null // what waits for a picture
    this.exported = null // what waits for an export
    store.on("writing", ({writing}) => { if (!writing) this.written?.() })
    store.on("exporting", ({exporting}) => this.exported?.(exporting))
  }

  toast({text, tone}) {
    const el = h("div", {class: `toast ${tone || ""}`, role: tone === "error" ? "alert" : null}, text) // any other is read as a part of the list
    this.toasts.append(el)
    this.raise()
    setTimeout(() => el.remove(), Math.max(tone === "error" ? 9000 : 3500, 60 * text.length)) // time to read it
    while (this.toasts.children.length > 2) this.toasts.firstChild.remove()
  }

  // A part of the page may be too low for a message: it is then shown over what is around it.
  raise() {
    const root = this.el.closest(".explorer.some")
    if (!root || !this.toasts.showPopover) return
    const {left, width, top} = root.getBoundingClientRect()
    this.toasts.popover = "manual"
    if (this.toasts.matches(":popover-open")) this.toasts.hidePopover() // to lie over what came meanwhile
    this.toasts.showPopover()
    Object.assign(this.toasts.style, {left: `${left + width / 2}px`, top: `${Math.max(8, Math.min(top + 8, innerHeight - 90))}px`})
  }

  open(title, body, actions) {
    const dialog = h("dialog", {"aria-label": title})
    const close = () => { dialog.close(); dialog.remove() }
    const form = h("form", {method: "dialog", onsubmit: (event) => { event.preventDefault(); actions[actions.length - 1]?.run?.(close) }},
      h("h2", {}, title), body,
      h("footer", {}, button(actions.length ? "Cancel" : "Close", close), actions.map((action, place) =>
        h("button", {type: place === actions.length - 1 ? "submit" : "button", class: action.class || "", onclick: place === actions.length - 1 ? null : () => action.run(close)}, action.text))))
    dialog.append(form)
    keepFocusIn(dialog, this.el)
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); close() })
    dialog.addEventListener("pointerdown", (event) => { if (event.target === dialog && isBeside(event, dialog)) close() }) // a click would also be text that was marked with the mouse and let go out here
    this.el.append(dialog)
    dialog.showModal()
    dialog.querySelector("input, select")?.focus()
    dialog.scrollTop = 0 // the first thing that can have the focus may be at the end
    return dialog
  }

  closeAll() { for (const dialog of this.el.querySelectorAll("dialog")) { dialog.close(); dialog.remove() } }

  get isOpen() { return Boolean(this.el.querySelector("dialog[open]")) }

  newCategory(assign) {
    const name = h("input", {type: "text", maxlength: "200", "aria-label": "category name", placeholder: "e.g. faces", required: true})
    const run = (close) => {
      if (!name.value.trim()) { name.value = ""; return name.reportValidity() } // blanks would pass for a name
      this.store.save(assign ? {verb: "label", name: name.value} : {verb: "create", name: name.value})
      close()
    }
    const count = number(this.store.get("selection").count)
    this.open(assign ? `Label ${count} selected as` : "New category", name, [{text: assign ? "Label" : "Create", class: "primary", run}])
  }

  category(category) { this.categoryForm.open(category) }

  export(pictured = false) {
    const data = new ExportForm(this.store)
    const picture = new PictureForm(this.store, this.screen())
    const what = h("span", {class: "group", role: "group", "aria-label": "what to export"})
    const choose = (pictured) => {
      [data.el.hidden, picture.el.hidden] = [pictured, !pictured]
      fill(what, [["Data", false], ["Picture", true]].map(([text, one]) => button(text, () => choose(one), {class: one === pictured ? "on" : "", "aria-pressed": String(one === pictured)})))
    }
    choose(pictured)
    const run = (close) => (picture.el.hidden ? this.write(dialog, data, close) : this.download(dialog, picture, close))
    const dialog = this.open("Export", [what, data.el, picture.el], [{text: "Download", class: "primary", run}])
    if (this.store.get("exporting")) this.follow(dialog, data, () => { dialog.close(); dialog.remove() })
  }

  // An export of many items takes a while: the dialog says how far it is, and can stop it.
  write(dialog, data, close) {
    this.follow(dialog, data, close)
    this.store.send(data.message)
  }

  follow(dialog, data, close) {
    const [go, leave] = [dialog.querySelector("footer button.primary"), dialog.querySelector("footer button")]
    go.disabled = true
    go.textContent = "Writing…"
    leave.replaceWith(button("Stop", () => this.store.send({verb: "stop_export"})))
    const {progress, note} = data.follow()
    this.exported = (state) => {
      if (!state) { this.exported = null; return close() }
      progress.value = state.fraction
      note.textContent = state.note || "writing"
    }
  }

  // A large picture takes seconds: the dialog says so and closes when it is there, or when the server says why not.
  download(dialog, picture, close) {
    if (!picture.isValid) return
    const go = dialog.querySelector("footer button.primary")
    go.disabled = true
    go.textContent = "Writing…"
    this.written = () => { this.written = null; close() }
    this.store.send(picture.message)
  }

  screen() {
    const canvas = this.el.getRootNode().querySelector(".map-canvas")
    return (canvas?.clientWidth || 900) * (window.devicePixelRatio || 1)
  }

  keys() {
    this.open("Keys and gestures", helpCard(), []).classList.add("wide")
  }

  data() {
    const data = this.store.get("data")
    this.open(data.name, [h("p", {}, data.summary), h("dl", {}, data.columns.map(([name, kind]) => [h("dt", {}, name), h("dd", {}, kind)])),
      data.notes.map((note) => h("p", {class: "muted"}, note))], [])
  }
}

// Whether the pointer is beside an element; its own edge and scroll bar are not.
function isBeside({clientX: x, clientY: y}, el) {
  const {left, right, top, bottom} = el.getBoundingClientRect()
  return x < left || x > right || y < top || y > bottom
}

// Files come in pieces, because a message over twenty megabytes would end the connection.
class Downloads {
  constructor() { this.parts = new Map() } // by name: a table and a picture may come at the same time

  onPart({name, bytes, last}) {
    this.parts.set(name, [...(this.parts.get(name) || []), bytes])
    if (!last) return
    const url = URL.createObjectURL(new Blob(this.parts.get(name)))
    this.parts.delete(name)
    const link = h("a", {href: url, download: name})
    document.body.append(link)
    link.click()
    link.remove()
    setTimeout(() => URL.revokeObjectURL(url), 60000)
  }
}
