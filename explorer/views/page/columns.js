// The columns, each as small bars that follow the map and filter it; counted by the server only while this tab is open.

const SEARCHED = 12 // columns from which on there is a box to find one

class Columns {
  constructor(store) {
    this.store = store
    this.cards = new Map()
    this.isOpen = false
    this.find = h("input", {type: "search", placeholder: "Find a column", "aria-label": "find a column", hidden: true, oninput: () => this.later()})
    this.list = h("div", {class: "facets"})
    this.note = h("p", {class: "muted", role: "status"})
    this.el = h("section", {class: "columns", "aria-label": "columns"}, this.find, h("div", {class: "scroller"}, this.list, this.note))
    store.on("columns", () => this.render())
    store.on("theme", () => this.cards.forEach((card) => card.repaint()))
  }

  opened() {
    if (this.isOpen) return
    this.isOpen = true
    if (!this.cards.size) this.note.textContent = "Counting …"
    this.ask()
  }

  closed() {
    if (!this.isOpen) return
    this.isOpen = false
    this.ask()
  }

  ask() { this.store.send({verb: "columns", open: this.isOpen, search: this.find.value}) }

  later() {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.ask(), 150)
  }

  render() {
    const {facets, more, total, counting} = this.store.get("columns")
    this.find.hidden = total <= SEARCHED
    const wanted = facets.map((facet) => {
      const card = this.cards.get(facet.key) || new Facet(this.store)
      this.cards.set(facet.key, card)
      card.show(facet)
      return card.el
    })
    const changed = wanted.length !== this.list.children.length || wanted.some((el, place) => el !== this.list.children[place])
    if (changed) { // the cards are the same ones, and so is the one that had the focus; taking it out of the page would lose it
      const focused = this.el.getRootNode().activeElement
      fill(this.list, wanted)
      if (focused && this.list.contains(focused)) focused.focus({preventScroll: true})
    }
    this.note.textContent = counting ? "Counting …" : more ? `${number(more)} more column${more > 1 ? "s" : ""}; find one by its name above` :
      facets.length ? "" : this.find.value ? "No column is called so." : "No column has numbers, dates or categories."
  }
}

class Facet {
  constructor(store) {
    this.store = store
    this.on = new Chosen(store, "columns") // names of bars
    this.lacking = new Chosen(store, "columns")
    this.name = h("h2", {class: "grow"})
    this.missing = button("", () => this.lack(), {class: "quiet small missing"})
    this.clear = button("×", () => store.send({verb: "unfilter", column: this.facet.key}), {class: "quiet small clear"})
    this.body = h("div", {class: "values"})
    this.el = h("article", {class: "facet"}, h("header", {}, this.name, this.missing, this.clear), this.body)
  }

  show(facet) {
    this.facet = facet
    this.name.textContent = facet.name || "(empty)"
    this.name.title = facet.name
    this.clear.hidden = !facet.filtered
    this.clear.setAttribute("aria-label", `remove the filter on ${facet.name}`)
    const lacks = facet.kind === "range" ? facet.missing.all : 0
    this.missing.hidden = !lacks
    this.missing.textContent = lacks ? `${brief(lacks)} missing` : ""
    this.missing.title = "Show only items without a value"
    this.missing.classList.toggle("on", Boolean(facet.lacking))
    if (facet.kind === "range") this.range()
    else keepingFocus(this.body, () => fill(this.body, facet.bars.filter((bar) => bar.all || bar.on).map((bar) => this.bar(bar))))
  }

  range() {
    if (!this.histogram) {
      const range = (low, high) => this.store.send({verb: "filter_range", column: this.facet.key, low, high})
      this.histogram = new Histogram(range, new Chosen(this.store, "columns"))
      fill(this.body, this.histogram.el)
    }
    this.histogram.show(this.facet)
  }

  bar(bar) {
    const top = fullBar(this.facet.bars.map((one) => one.all), this.facet.bars.map((one) => one.shown))
    const width = (count) => (count ? `max(2px, ${Math.min(100, (100 * count) / top)}%)` : "0")
    const off = this.facet.filtered && !bar.on
    const word = bar.name === "" ? "(empty)" : bar.name
    return h("button", {type: "button", class: `value${off ? " off" : ""}`, "aria-pressed": String(bar.on), "data-key": bar.name, onclick: (event) => this.toggle(bar, event),
      title: `${word}: ${number(bar.all)} items, ${number(bar.shown)} shown, ${number(bar.selected)} selected · click for only this one, Shift-click adds`},
    h("span", {class: "name"}, word),
    h("span", {class: "track"}, ["all", "shown", "selected"].map((part) => h("i", {class: part, style: {width: width(bar[part])}}))),
    h("span", {class: "chosen"}, bar.selected ? brief(bar.selected) : ""),
    h("span", {class: "count"}, brief(bar.all)))
  }

  toggle(bar, event) {
    const on = this.on.or(this.facet.bars.filter((one) => one.on).map((one) => one.name))
    const [isOn, adds] = [on.includes(bar.name), event.shiftKey || event.ctrlKey || event.metaKey]
    if (adds) this.pick(isOn ? on.filter((name) => name !== bar.name) : [...on, bar.name])
    else this.pick(isOn && on.length === 1 ? [] : [bar.name])
  }

  pick(values) {
    this.on.take(values, this.store.send({verb: "filter_values", column: this.facet.key, values}))
  }

  lack() {
    const lacking = !this.lacking.or(this.facet.lacking)
    const verb = lacking ? {verb: "filter_values", values: ["(missing)"]} : {verb: "unfilter"}
    this.lacking.take(lacking, this.store.send({...verb, column: this.facet.key}))
  }

  repaint() { this.histogram?.paint() }
}
