// What a picture of the map to download is like: its controls are made from the settings as Python declares them.

const SIZES = [["screen", "As on this screen"], ["double", "Twice as fine"], ["print", "Print: 6,000 px at 300 dpi"], ["own", "Another size"]]

class PictureForm {
  constructor(store, screen) {
    this.known = store.get("pictures")
    this.screen = screen // pixels that the map is wide
    this.inputs = Object.fromEntries(this.known.settings.map((setting) => [setting.name, this.input(setting)]))
    this.ending = h("select", {"aria-label": "picture format"}, this.known.formats.map((format) => h("option", {value: format.ending}, format.name)))
    this.size = h("select", {"aria-label": "size"}, SIZES.map(([value, text]) => h("option", {value}, text)))
    this.doc = h("p", {class: "muted"})
    this.print = h("p", {class: "muted", role: "status"})
    this.ending.addEventListener("change", () => this.say())
    this.size.addEventListener("change", () => this.preset())
    for (const name of ["width", "dpi"]) this.inputs[name].addEventListener("input", () => { this.size.value = "own"; this.say() })
    const switches = this.known.settings.filter((setting) => setting.type === "switch")
    this.el = h("div", {class: "picture-form"}, h("label", {}, "Format", this.ending), this.doc, h("label", {}, "Size", this.size),
      h("div", {class: "pair"}, h("label", {}, "Width, px", this.inputs.width), h("label", {}, "Pixels an inch", this.inputs.dpi)), this.print,
      h("label", {}, "Ground", this.inputs.ground),
      switches.map((setting) => h("label", {class: "setting switch", title: setting.doc}, h("span", {class: "name"}, setting.name), this.inputs[setting.name])))
    this.preset()
  }

  input({name, type, default: value, bounds, choices}) {
    if (type === "switch") return h("input", {type: "checkbox", checked: value, "aria-label": name})
    if (type === "choice") return h("select", {"aria-label": name}, choices.map((choice) => h("option", {value: choice, selected: choice === value}, choice)))
    const [min, max] = bounds || []
    return h("input", {type: "number", min, max, step: type === "integer" ? 1 : "any", value: value === null ? "" : String(value), "aria-label": name, required: true})
  }

  preset() {
    const {min, max} = this.inputs.width
    const screen = (times) => Math.max(Number(min), Math.min(Number(max), Math.round(this.screen * times)))
    const sizes = {screen: [screen(1), 96], double: [screen(2), 192], print: [6000, 300]}
    const chosen = sizes[this.size.value]
    if (chosen) [this.inputs.width.value, this.inputs.dpi.value] = chosen.map(String)
    this.say()
  }

  say() {
    this.doc.textContent = this.known.formats[this.ending.selectedIndex].doc
    const inches = Number(this.inputs.width.value) / Number(this.inputs.dpi.value)
    this.print.textContent = inches > 0 && isFinite(inches) ? `Printed, ${(inches * 2.54).toFixed(1)} cm (${inches.toFixed(1)} in) wide` : ""
  }

  get isValid() { return ["width", "dpi"].every((name) => this.inputs[name].reportValidity()) }

  get message() {
    const settings = {width: Number(this.inputs.width.value), dpi: Number(this.inputs.dpi.value), ground: this.inputs.ground.value}
    for (const {name, type} of this.known.settings) if (type === "switch") settings[name] = this.inputs[name].checked
    return {verb: "picture", ending: this.ending.value, settings}
  }
}
