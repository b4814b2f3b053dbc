// The files of this computer, folder by folder, and the field for a path or an address.

class Browser {
  constructor(choose) {
    this.choose = choose
    this.asked = 0
    const onFile = (event) => { if (event.target.files.length) this.onFiles([...event.target.files].map((file) => ({path: file.name, file}))); event.target.value = "" }
    this.field = h("input", {type: "text", id: "path", list: "completions", autocomplete: "off", spellcheck: "false", autocapitalize: "none", placeholder: "/home/me/photos   or   https://…/table.csv",
      "aria-describedby": "path-hint", oninput: () => this.complete()})
    this.options = h("datalist", {id: "completions"})
    this.pick = h("input", {type: "file", multiple: true, hidden: true, onchange: onFile, "aria-hidden": "true", tabindex: "-1"})
    this.problem = h("p", {class: "problem", role: "alert", hidden: true})
    this.steps = h("ol", {class: "steps"})
    this.list = h("ul", {class: "entries", "aria-label": "folders and files"})
    this.foot = h("span", {class: "muted"})
    this.whole = button("Open this folder", () => this.choose(this.folder))
    const go = (event) => { event.preventDefault(); if (this.field.value.trim()) this.choose(this.field.value); else this.field.focus() }
    this.el = h("section", {class: "card browse", "aria-labelledby": "open-title"},
      h("h2", {id: "open-title"}, "Open"),
      h("form", {class: "row", onsubmit: go}, h("label", {class: "unseen", for: "path"}, "Path of a file or folder, or an address"), this.field, this.options, h("button", {class: "primary"}, "Open")),
      h("p", {class: "muted", id: "path-hint"}, "A table, an array file, a folder of pictures or sounds. Or drop one anywhere on this page, or ",
        h("button", {type: "button", class: "link", onclick: () => this.pick.click()}, "choose files to copy here"), this.pick),
      h("nav", {"aria-label": "folder"}, this.steps), this.problem, this.list, h("footer", {class: "row"}, this.foot, h("span", {class: "grow"}), this.whole))
    this.list.addEventListener("keydown", (event) => this.onKey(event))
  }

  async complete() {
    const text = this.field.value
    const {paths} = await ask("complete", {text}).catch(() => ({paths: []}))
    if (text === this.field.value) fill(this.options, paths.map((path) => h("option", {value: path})))
  }

  async show(folder, focus = false) {
    const asked = this.asked += 1
    let found
    try {
      found = await ask("folder", {path: folder})
    } catch (problem) {
      if (asked === this.asked) Object.assign(this.problem, {hidden: false, textContent: problem.message})
      return
    }
    if (asked !== this.asked) return
    this.problem.hidden = true
    this.folder = found.folder
    try { sessionStorage.setItem("explorer-folder", found.folder) } catch { /* a private window keeps nothing */ }
    fill(this.steps, found.parts.map(({name, path}, place) => h("li", {}, button(name, () => this.show(path, true), {class: "link", "aria-current": place === found.parts.length - 1 ? "page" : null}))))
    fill(this.list, found.entries.map((entry) => h("li", {}, this.entry(entry))))
    if (!found.entries.length) this.list.append(h("li", {class: "muted none"}, found.pictures || found.sounds ? "no folders in it, and no file that is a collection by itself" : "nothing in it that can be opened"))
    const here = [found.pictures && plural(found.pictures, "picture"), found.sounds && plural(found.sounds, "sound"), found.others && `${plural(found.others, "other file")}`, found.left && `${found.left > 1 ? number(found.left) : "many"} more not shown`].filter(Boolean)
    this.foot.textContent = here.join(" · ") || ""
    this.whole.classList.toggle("primary", found.pictures + found.sounds > 0)
    this.whole.setAttribute("aria-label", `Open this folder, ${found.folder}`)
    if (focus) (this.list.querySelector("button") || this.whole).focus()
    announce(`${found.folder}: ${plural(found.entries.length, "entry").replace("entrys", "entries")}`)
  }

  entry({name, path, kind, size: bytes, when}) {
    const folder = kind === "folder"
    return h("button", {type: "button", class: `entry ${kind}`, onclick: () => (folder ? this.show(path, true) : this.choose(path)), "aria-label": folder ? `folder ${name}` : `${name}, ${size(bytes || 0)}`},
      h("span", {class: "icon", "aria-hidden": "true"}), h("span", {class: "name", title: name}, name),
      h("span", {class: "muted"}, bytes === undefined ? "" : size(bytes)), h("span", {class: "muted when"}, when ? ago(new Date(when * 1000)) : ""))
  }

  // Up and down go through the entries, left to the folder above; a letter goes to the next entry that begins with it.
  onKey(event) {
    const buttons = [...this.list.querySelectorAll("button")]
    const at = buttons.indexOf(document.activeElement)
    const to = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1, PageDown: Math.min(buttons.length - 1, at + 10), PageUp: Math.max(0, at - 10)}[event.key]
    if (to !== undefined) { buttons[to]?.focus(); event.preventDefault() }
    else if (event.key === "ArrowLeft" || event.key === "Backspace") [...this.steps.querySelectorAll("button")].at(-2)?.click()
    else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const named = (one) => one.querySelector(".name").textContent.toLowerCase().startsWith(event.key.toLowerCase())
      const next = [...buttons.slice(at + 1), ...buttons.slice(0, at + 1)].find(named)
      next?.focus()
    }
  }
}
