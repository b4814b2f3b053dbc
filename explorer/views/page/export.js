// What is exported: which format, which items, and the format's own settings as Python declares them.

class ExportForm {
  constructor(store) {
    this.store = store
    this.formats = store.get("formats")
    const labels = store.get("labels")
    const items = [["all", "Everything", labels.total], ["selected", "Only what is selected", store.get("selection").count], ["labelled", "Only what is labelled", labels.labelled]]
    this.ending = h("select", {"aria-label": "format"}, this.formats.map((format) => h("option", {value: format.ending}, `${format.name} (${format.ending})`)))
    this.only = h("select", {"aria-label": "items"}, items.map(([value, text, count]) => h("option", {value, disabled: !count}, `${text} (${number(count)})`)))
    this.doc = h("p", {class: "muted"})
    this.settings = h("div", {})
    this.progress = h("div", {class: "writing", role: "status", hidden: true})
    this.ending.addEventListener("change", () => this.say())
    this.el = h("div", {class: "export-form"}, h("label", {}, "Format", this.ending), this.doc, h("label", {}, "Items", this.only), this.settings,
      h("p", {class: "muted"}, "A settings file that says how all of it was made comes with it."), this.progress)
    this.say()
  }

  get format() { return this.formats[this.ending.selectedIndex] }

  say() {
    const {doc, folder, settings} = this.format
    this.doc.textContent = folder ? `${doc} It comes as a ZIP archive.` : doc
    this.inputs = new Map(settings.map((setting) => [setting.name, this.input(setting)]))
    fill(this.settings, settings.map((setting) => [
      h("label", {class: "setting switch"}, h("span", {class: "name"}, setting.name.replaceAll("_", " ")), this.inputs.get(setting.name)), h("p", {class: "muted"}, setting.doc)]))
  }

  input({name, type, default: value, choices}) {
    if (type === "switch") return h("input", {type: "checkbox", checked: value, "aria-label": name.replaceAll("_", " ")})
    if (type === "choice") return h("select", {"aria-label": name}, choices.map((choice) => h("option", {value: choice, selected: choice === value}, choice)))
    return h("input", {type: type === "text" ? "text" : "number", value: value === null ? "" : String(value), "aria-label": name})
  }

  get message() {
    const settings = {}
    for (const {name, type} of this.format.settings) {
      const input = this.inputs.get(name)
      settings[name] = type === "switch" ? input.checked : type === "integer" || type === "number" ? Number(input.value) : input.value
    }
    return {verb: "export", ending: this.ending.value, only: this.only.value, settings}
  }

  // From now on it shows how far the export is.
  follow() {
    const [progress, note] = [h("progress", {max: "1", "aria-label": "how far the export is"}), h("span", {class: "muted"}, "writing")]
    fill(this.progress, progress, note)
    this.progress.hidden = false
    return {progress, note}
  }
}
