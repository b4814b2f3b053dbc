// What is selected: pictures, cards or a table; only what scrolls into view is asked for, a screenful at a time.

const SHAPES = {gallery: {height: 0}, cards: {height: 84}, table: {height: 30}}
const THUMB = 46 // pixels of a thumbnail with its margin, at least; they grow to fill the row

class Items {
  constructor(store) {
    this.store = store
    this.mode = null
    this.asked = 0
    this.cache = new Map()
    this.scroller = h("div", {class: "scroller", tabindex: "0", "aria-label": "items"})
    this.inner = h("div", {class: "inner"})
    this.scroller.append(this.inner)
    this.head = h("header", {})
    this.detail = h("div", {class: "detail", hidden: true})
    this.foot = h("footer", {hidden: true}, button("Copy ids", () => this.store.send({verb: "ids"}), {class: "small quiet", title: "Copy the selected ids, one a line"}))
    this.el = h("section", {class: "items", "aria-label": "selected items"}, this.head, this.scroller, this.foot, this.detail)
    this.scroller.addEventListener("scroll", () => this.later())
    new ResizeObserver(() => this.later()).observe(this.scroller)
    store.on("items_of", () => this.reset())
    store.on("item", () => this.showDetail())
  }

  reset() {
    const of = this.store.get("items_of")
    if (!this.mode || !of.modes.includes(this.mode)) this.mode = of.modes[0]
    this.cache.clear()
    this.version = of.version
    const tabs = of.modes.length > 1
      ? h("span", {class: "group"}, of.modes.map((mode) => button(mode, () => { this.mode = mode; this.reset() },
        {class: mode === this.mode ? "on small" : "small", "aria-pressed": String(mode === this.mode), "data-key": `mode-${mode}`})))
      : null
    keepingFocus(this.head, () => fill(this.head, h("h2", {class: of.selected ? "selected" : ""}, of.title), tabs))
    this.foot.hidden = !of.selected
    if (!of.stay) this.scroller.scrollTop = 0
    this.scroller.dataset.mode = this.mode
    this.layout()
  }

  layout() {
    const of = this.store.get("items_of")
    if (!of) return
    const width = this.scroller.clientWidth - 2
    this.perRow = this.mode === "gallery" ? Math.max(1, Math.floor(width / THUMB)) : 1
    this.cell = Math.floor(width / this.perRow)
    this.height = this.mode === "gallery" ? this.cell : SHAPES[this.mode].height
    const lines = Math.ceil(of.count / this.perRow)
    const header = this.mode === "table" ? 1 : 0
    this.inner.style.height = `${Math.min(8e6, (lines + header) * this.height)}px`
    this.show()
  }

  later() {
    if (this.timer) return
    this.timer = setTimeout(() => { this.timer = null; this.layout() }, 60)
  }

  show() {
    const of = this.store.get("items_of")
    const height = this.height
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / height))
    const lines = Math.ceil(this.scroller.clientHeight / height) + 1
    const [start, stop] = [first * this.perRow, Math.min(of.count, (first + lines) * this.perRow)]
    const missing = []
    for (let place = start; place < stop; place++) if (!this.cache.has(place)) missing.push(place)
    if (missing.length) {
      for (const place of missing) this.cache.set(place, null)
      this.store.send({verb: "items", mode: this.mode, version: this.version, start: missing[0], count: missing[missing.length - 1] - missing[0] + 1})
    }
    this.place(start, stop)
  }

  onItems({version, mode, start, rows, blob, offsets}) {
    if (version !== this.version || mode !== this.mode) return
    rows.forEach((row, place) => {
      const bytes = offsets && offsets[place + 1] > offsets[place] ? blob.slice(offsets[place], offsets[place + 1]) : null
      this.cache.set(start + place, this.build(row, bytes))
    })
    if (this.cache.size > 3000) for (const key of [...this.cache.keys()].slice(0, 1500)) this.cache.delete(key)
    this.show()
  }

  place(start, stop) {
    const [height, gallery] = [this.height, this.mode === "gallery"]
    const top = this.mode === "table" ? height : 0
    const shown = []
    for (let place = start; place < stop; place++) {
      const el = this.cache.get(place)
      if (!el) continue
      el.style.top = `${Math.floor(place / this.perRow) * height + top}px`
      if (gallery) Object.assign(el.style, {left: `${(place % this.perRow) * this.cell}px`, width: `${this.cell - 4}px`, height: `${this.cell - 4}px`})
      shown.push(el)
    }
    if (top) shown.unshift(h("div", {class: "row head"}, this.store.get("items_of").columns.map((name) => h("span", {title: name}, name))))
    if (!this.store.get("items_of").count) shown.push(h("p", {class: "muted"}, "No items here."))
    fill(this.inner, shown)
  }

  build(row, bytes) {
    const open = () => this.store.send({verb: "item", row: row.row})
    if (this.mode === "gallery") {
      return h("button", {type: "button", class: "thumb", title: row.title, "aria-label": row.title, onclick: open}, bytes ? picture(bytes) : h("span", {class: "muted"}, "?"))
    }
    if (this.mode === "table") {
      return h("button", {type: "button", class: "row", onclick: open}, row.cells.map((cell) => h("span", {title: short(cell)}, short(cell))))
    }
    return h("button", {type: "button", class: "text", onclick: open},
      h("span", {class: "muted"}, row.title, row.label ? ` · ${row.label}` : ""), h("span", {class: "words"}, row.text))
  }

  showDetail() {
    const item = this.store.get("item")
    this.detail.hidden = !item
    if (!item) return
    fill(this.detail,
      h("header", {}, h("b", {}, item.title), button("×", () => this.store.set({item: null}), {class: "small", "aria-label": "close"})),
      item.picture ? picture(item.picture) : null,
      item.text ? h("p", {class: "words"}, item.text) : null,
      h("dl", {}, item.lines.map(([name, value], place) => [h("dt", {}, name), h("dd", {}, short(value), place ? null : this.copyId(value))])))
  }

  copyId(id) {
    return button("Copy", () => this.store.set({copy: [String(id), "the id"]}), {class: "small quiet", title: "Copy the id", "aria-label": "copy the id"})
  }
}
