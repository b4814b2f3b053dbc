// What the map is coloured by, with counts for every entry: in view, selected, and all. Click to solo; a histogram filters numbers.

const MANY = 12 // entries from which on there is a box to find one
const ROWS = 200 // entries that are built; the others are found by the box

class Legend {
  constructor(store) {
    this.store = store
    this.query = ""
    this.el = h("section", {class: "card legend", "aria-label": "colour"})
    this.find = h("input", {type: "search", placeholder: "Find an entry", "aria-label": "find an entry", oninput: () => { this.query = this.find.value; this.list() }})
    this.rows = h("ul", {class: "entries"})
    this.more = h("p", {class: "muted", hidden: true})
    this.key = h("span", {class: "muted grow"})
    this.few = h("span", {}, "few")
    this.dense = h("span", {}, "many items a pixel")
    this.histogram = new Histogram((low, high) => this.range(low, high), new Chosen(store, "histogram"), {height: 48})
    this.chosen = new Chosen(store, "color")
    store.on("color", () => (this.histogram.drag ? null : this.render())) // a bar that is taken out of the page ends its drag
    store.on("frame", () => this.count())
    store.on("histogram", () => this.showHistogram())
    store.on("theme", () => this.histogram.paint())
  }

  render() {
    const color = this.store.get("color")
    if (color.by !== this.by) {
      this.by = color.by
      this.query = this.find.value = ""
    }
    keepingFocus(this.el, () => {
      const choose = h("select", {class: "method", "aria-label": "colour by", "data-key": "color-by",
        onchange: ({target: {value}}) => this.chosen.take(value, this.store.send({verb: "color", by: value}))},
      color.choices.map((choice) => h("option", {value: choice.value}, choice.name)))
      choose.value = this.chosen.or(color.by)
      const body = {number: () => this.scale(color), category: () => this.entries(color), density: () => this.density(color)}[color.kind]
      const [scroll, typing] = [this.rows.scrollTop, this.el.getRootNode().activeElement === this.find]
      fill(this.el, h("header", {}, h("h2", {}, "Colour by"), choose), body ? body() : [])
      this.rows.scrollTop = scroll
      if (typing) this.find.focus({preventScroll: true})
      this.showHistogram()
    })
  }

  entries(color) {
    const anyHidden = color.entries.some((entry) => entry.hidden)
    this.list()
    return [color.entries.length > MANY ? this.find : null, this.rows, this.more,
      h("footer", {}, this.key, anyHidden ? button("Show all", () => this.store.send({verb: "show_all"}), {class: "small", "data-key": "show-all"}) : null)]
  }

  list() {
    const word = this.query.toLocaleLowerCase()
    const found = this.store.get("color").entries.filter((entry) => !word || entry.name.toLocaleLowerCase().includes(word))
    this.seen = new Map()
    fill(this.rows, found.slice(0, ROWS).map((entry) => this.entry(entry)))
    const rest = found.length - ROWS
    this.more.hidden = rest <= 0 && found.length > 0
    this.more.textContent = rest > 0 ? `${number(rest)} more; find one by its name` : "Nothing is called so."
    this.count()
  }

  entry(entry) {
    const solo = () => this.store.send({verb: "solo", name: entry.name})
    const hide = () => this.store.send({verb: "hide", name: entry.name})
    const word = entry.name === "" ? "(empty)" : entry.name
    const seen = h("span", {class: "seen"})
    this.seen.set(entry, seen)
    return h("li", {class: entry.hidden ? "hidden" : ""},
      h("button", {type: "button", class: "entry", onclick: solo, title: `${word}: ${number(entry.all)} items, ${number(entry.selected)} selected · click to show only this one`, "data-key": `solo-${entry.name}`},
        h("i", {class: "dot", style: {background: entry.color}}),
        h("span", {class: "name"}, word), seen,
        h("span", {class: "chosen"}, entry.selected ? brief(entry.selected) : ""),
        h("span", {class: "count"}, brief(entry.all))),
      h("span", {class: "acts"},
        entry.hidden ? null : button("select", () => this.store.send({verb: "select_entry", name: entry.name}), {class: "eye", "aria-label": `select ${entry.name}`, "data-key": `select-${entry.name}`}),
        button(entry.hidden ? "show" : "hide", hide, {class: "eye", "aria-label": `${entry.hidden ? "show" : "hide"} ${entry.name}`, "data-key": `hide-${entry.name}`})))
  }

  // How many of each entry are in view: comes with every picture, so only texts change here.
  count() {
    const [frame, color] = [this.store.get("frame"), this.store.get("color")]
    if (!color) return
    this.few.textContent = frame?.densest === 1 ? "" : "few"
    if (color.kind === "density") this.dense.textContent = frame ? `${number(frame.densest)} item${frame.densest === 1 ? "" : "s"} a pixel` : "many items a pixel"
    const counts = frame?.by === color.by && color.kind === "category" ? frame.counts : null
    const apart = Boolean(counts) && color.entries.some((entry) => !entry.hidden && counts[entry.code] !== entry.all)
    for (const [entry, el] of this.seen || []) el.textContent = apart && !entry.hidden ? brief(counts[entry.code] || 0) : ""
    const some = color.entries.some((entry) => entry.selected)
    fill(this.key, apart ? [h("span", {class: "seen"}, "in view"), " / "] : null, some ? [h("span", {class: "chosen"}, "selected"), " / "] : null, apart && some ? "all" : "all · click to solo")
  }

  scale(color) {
    const gradient = `linear-gradient(to right, ${color.scale.join(", ")})`
    this.ramp = h("div", {}, h("div", {class: "ramp", style: {background: gradient}}),
      h("div", {class: "ends"}, h("span", {}, color.ends[0]), h("span", {}, color.ends[1])))
    return [this.histogram.el, this.ramp,
      color.missing ? h("p", {class: "muted"}, `${number(color.missing)} without a value, grey`) : null,
      h("p", {class: "muted note"}, color.note || "drag to filter · a pixel shows the mean of its items")]
  }

  density(color) {
    const gradient = `linear-gradient(to right, ${color.scale.join(", ")})`
    return [h("div", {class: "ramp", style: {background: gradient}}), h("div", {class: "ends"}, this.few, this.dense)]
  }

  showHistogram() {
    const [color, facet] = [this.store.get("color"), this.store.get("histogram")]
    if (color?.kind !== "number") return
    const fits = Boolean(facet) && color.by === `column:${facet.key}`
    this.histogram.el.hidden = !fits
    if (this.ramp) this.ramp.hidden = fits
    if (fits) this.histogram.show(facet)
  }

  range(low, high) {
    const turn = this.store.send({verb: "filter_range", column: this.store.get("histogram").key, low, high})
    if (!this.histogram.drag) queueMicrotask(() => this.render()) // once the bars know that turn
    return turn
  }
}
