// The map's tools: what a drag does, how it combines with the selection, and how wide the brush is.

const TOOLS = [["pan", "Pan", "V"], ["box", "Box", "B"], ["lasso", "Lasso", "L"], ["paint", "Paint", "P"]]
const MODES = [["replace", "Replace", ""], ["add", "Add", "A"], ["subtract", "Subtract", "S"], ["intersect", "Intersect", ""]]
const MODE_HELP = {replace: "Begin a new selection", add: "Add to the selection", subtract: "Take out of the selection", intersect: "Keep what is in both"}
const TOOL_HELP = {pan: "Move the map", box: "Select in a rectangle", lasso: "Select in a free line", paint: "Select with a round brush"}
const RADIUS = {least: 3, most: 120} // pixels

class Tools {
  constructor(store, map) {
    this.store = store
    this.map = map
    this.tool = "lasso"
    this.mode = "replace"
    this.radius = 18
    this.menu = new SelectionMenu(store, this)
    this.el = h("div", {class: "toolbar", role: "toolbar", "aria-label": "map tools"})
    this.slider = h("input", {type: "range", min: 0, max: 100, "aria-label": "brush radius in pixels", oninput: () => this.setRadius(this.fromSlider())})
    this.said = h("output", {})
    this.brush = h("label", {class: "brush-size", hidden: true, title: "How wide the brush is ( [ and ] )"}, "Brush", this.slider, this.said, h("kbd", {}, "["), h("kbd", {}, "]"))
    this.zoom = h("div", {class: "zoom", role: "group", "aria-label": "zoom"},
      button("+", () => map.zoomBy(1 / 1.5), {title: "Zoom in (+)", "aria-label": "zoom in", "data-key": "in"}),
      button("−", () => map.zoomBy(1.5), {title: "Zoom out (−)", "aria-label": "zoom out", "data-key": "out"}),
      button("Fit", () => map.fit(), {title: "Show everything (F)", "data-key": "fit"}))
    this.setRadius(this.radius)
    store.on("selection", () => { this.clear.disabled = !store.get("selection").count })
    this.build()
  }

  build() {
    const toggles = (choices, help, chosen, pick, name) => h("span", {class: "group joined", role: "group", "aria-label": name}, choices.map(([value, text, key]) =>
      button(text, () => pick(value), {class: chosen === value ? "on" : "", "aria-pressed": String(chosen === value), "data-key": `tool-${value}`,
        "aria-keyshortcuts": key || null, title: `${help[value]}${key ? ` (${key})` : ""}`})))
    this.clear = button("Clear", () => this.store.send({verb: "clear"}), {title: "Select nothing (Esc)", "data-key": "clear", disabled: !this.store.get("selection")?.count})
    keepingFocus(this.el, () => fill(this.el,
      toggles(TOOLS, TOOL_HELP, this.tool, (tool) => this.setTool(tool), "tool"),
      toggles(MODES, MODE_HELP, this.mode, (mode) => this.setMode(mode), "how it combines"),
      h("span", {class: "group"}, this.clear, this.menu.el)))
  }

  setTool(tool) {
    this.tool = tool
    this.brush.hidden = tool !== "paint"
    this.build()
    this.map.onTool()
  }

  setMode(mode) { this.mode = mode; this.build() }

  // A key turns a mode on, and the same key turns it off again.
  toggleMode(mode) { this.setMode(this.mode === mode ? "replace" : mode) }

  // What a drag of this moment does with the selection.
  modeOf(event) { return event.shiftKey ? "add" : event.altKey ? "subtract" : this.mode }

  setRadius(radius) {
    this.radius = Math.min(RADIUS.most, Math.max(RADIUS.least, radius))
    const at = (100 * Math.log(this.radius / RADIUS.least)) / Math.log(RADIUS.most / RADIUS.least)
    this.slider.value = at
    this.slider.style.setProperty("--at", `${at}%`)
    this.said.textContent = `${Math.round(this.radius)} px`
    this.map.draw()
  }

  fromSlider() { return RADIUS.least * (RADIUS.most / RADIUS.least) ** (Number(this.slider.value) / 100) }

  widen(factor) { if (this.tool === "paint") this.setRadius(this.radius * factor) }
}
