// What is selected: pictures, cards or a table; only what scrolls into view is asked for, a screenful at a time.

const SHAPES = {gallery: {height: 0}, cards: {height: 84}, table: {height: 30}}
const TILES = [32, 256] // pixels of a tile with its margin, the least and the most; they grow to fill the row
const FIRST = {image: 46, series: 88, audio: 88} // until somebody chooses
const SHARP = {small: 96, large: 256} // pixels of the thumbnails that are asked for
const TALLEST = 8e6 // pixels; browsers take no element that is much higher, so beyond it the scroll bar moves more than its own way
const NOTCH = 50 // of a wheel that is turned, for one size more
const TILE = "explorer-tile"
const ROOMY = "explorer-roomy"

class Items {
  constructor(store, player) {
    this.store = store
    this.player = player
    this.mode = null
    this.size = Number(kept(TILE)) || null
    this.exact = this.turned = 0
    this.cache = new Map()
    this.at = 0 // the place of the item that Tab leads to; arrow keys move it
    this.scroller = h("div", {class: "scroller", tabindex: "-1", role: "group", "aria-label": "items: arrow keys move, Enter opens"})
    this.inner = h("div", {class: "inner", onfocusin: (event) => this.onFocus(event)})
    this.scroller.append(this.inner)
    this.head = h("header", {})
    this.detail = h("div", {class: "detail", hidden: true})
    this.slider = h("input", {type: "range", min: TILES[0], max: TILES[1], "aria-label": "size of the tiles", oninput: () => this.resize(Number(this.slider.value))})
    this.sizing = h("label", {class: "tile-size", title: "Size of the tiles (Ctrl + wheel; + and − when they have the focus)"}, h("i", {class: "tile"}), this.slider, h("i", {class: "tile large"}))
    this.copy = button("Copy ids", () => this.store.send({verb: "ids"}), {class: "small quiet", title: "Copy the selected ids, one a line"})
    this.wide = button("Wide", () => this.widen(!this.roomy), {class: "small wide", title: "As much room for the items as for the map"})
    this.foot = h("footer", {}, this.sizing, h("span", {class: "grow"}), this.copy, this.wide)
    this.el = h("section", {class: "items", "aria-label": "selected items"}, this.head, this.scroller, this.foot, this.detail)
    this.scroller.addEventListener("scroll", () => this.onScroll())
    this.scroller.addEventListener("wheel", (event) => this.onWheel(event), {passive: false})
    this.scroller.addEventListener("keydown", (event) => this.onKey(event))
    new ResizeObserver(() => this.later()).observe(this.scroller)
    store.on("items_of", () => this.reset())
    store.on("item", () => this.showDetail())
    store.on("marked", ({marked: words}) => [this.detail, ...this.cache.values()].forEach((el) => el && remark(el, words)))
  }

  get drawn() { return this.store.get("data")?.drawn }

  get gallery() { return this.mode === "gallery" }

  reset() {
    const of = this.store.get("items_of")
    if (!this.mode || !of.modes.includes(this.mode)) this.mode = of.modes[0]
    this.size = this.size || FIRST[this.drawn] || FIRST.image
    this.cache.clear()
    this.version = of.version
    const tabs = of.modes.length > 1
      ? h("span", {class: "group"}, of.modes.map((mode) => button(mode, () => { this.mode = mode; this.reset() },
        {class: mode === this.mode ? "on small" : "small", "aria-pressed": String(mode === this.mode), "data-key": `mode-${mode}`})))
      : null
    keepingFocus(this.head, () => fill(this.head, h("h2", {class: of.selected ? "selected" : ""}, of.title), tabs))
    this.copy.hidden = !of.selected
    this.sizing.hidden = !this.gallery
    if (this.roomy === undefined) this.widen(kept(ROOMY) === "yes")
    if (!of.stay) {
      this.goTo(0)
      this.at = 0
    }
    this.scroller.dataset.mode = this.mode
    this.layout()
  }

  layout() {
    const of = this.store.get("items_of")
    const width = this.scroller.clientWidth - 2
    if (!of || width < 1) return // another tab is open
    this.perRow = this.gallery ? Math.max(1, Math.floor(width / this.size)) : 1
    this.cell = Math.floor(width / this.perRow)
    this.height = this.gallery ? Math.round(this.drawn === "image" ? this.cell : (this.cell * 2) / 3) : SHAPES[this.mode].height
    const lines = Math.ceil(of.count / this.perRow)
    const header = this.mode === "table" ? 1 : 0
    const [tall, seen] = [(lines + header) * this.height, this.scroller.clientHeight]
    this.furthest = Math.max(0, tall - seen)
    this.gear = tall > TALLEST ? this.furthest / (TALLEST - seen) : 1
    this.inner.style.height = `${Math.min(TALLEST, tall)}px`
    const sharp = this.cell * (window.devicePixelRatio || 1) > 1.15 * SHARP.small ? SHARP.large : SHARP.small
    if (this.gallery && sharp !== this.sharp) this.cache.clear()
    this.sharp = sharp
    this.slider.value = this.size
    this.slider.style.setProperty("--at", `${(100 * (this.size - TILES[0])) / (TILES[1] - TILES[0])}%`)
    this.show()
  }

  later() {
    if (this.timer) return
    this.timer = setTimeout(() => { this.timer = null; this.layout() }, 60)
  }

  // How far it is scrolled, in pixels of what it would be if it could be so high.
  get offset() { return this.gear > 1 ? this.exact : this.scroller.scrollTop }

  goTo(offset) {
    this.exact = Math.max(0, Math.min(this.furthest || 0, offset))
    this.scroller.scrollTop = this.exact / (this.gear || 1)
  }

  onScroll() {
    if (!(this.gear > 1)) return this.later()
    if (Math.abs(this.exact / this.gear - this.scroller.scrollTop) > 1) this.exact = this.scroller.scrollTop * this.gear
    this.show()
  }

  onWheel(event) {
    if (event.ctrlKey && this.gallery) {
      event.preventDefault()
      this.turned += event.deltaY
      if (Math.abs(this.turned) < NOTCH) return
      this.wider(this.turned > 0 ? 1 : -1, event.clientY - this.scroller.getBoundingClientRect().top)
      this.turned = 0
    } else if (this.gear > 1 && !event.shiftKey && !event.ctrlKey) { // a turn moves as far as elsewhere
      event.preventDefault()
      this.goTo(this.exact + event.deltaY * (event.deltaMode === 1 ? 24 : 1))
      this.show()
    }
  }

  onKey(event) {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && this.step(event.key)) {
      event.preventDefault()
      event.stopPropagation()
      return
    }
    const play = event.key === " " && this.drawn === "audio" && event.target.matches(".open")
    const more = this.gallery && !event.ctrlKey && !event.metaKey && !event.altKey ? {"+": -1, "=": -1, "-": 1}[event.key] : 0
    if (!play && !more) return
    event.preventDefault()
    event.stopPropagation()
    if (more) this.wider(more)
    else this.player.toggle(Number(event.target.dataset.row))
  }

  onFocus(event) {
    const place = event.target.closest("[data-place]")?.dataset.place
    if (place === undefined) return
    this.at = Number(place)
    this.rove()
  }

  // Moves the focus to another item, and scrolls to it; says whether the key is one that does.
  step(key) {
    const count = this.store.get("items_of")?.count || 0
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 1) * this.perRow
    const by = {ArrowDown: this.perRow, ArrowUp: -this.perRow, PageDown: page, PageUp: -page, ...(this.gallery ? {ArrowRight: 1, ArrowLeft: -1} : {})}[key]
    const to = key === "Home" ? 0 : key === "End" ? count - 1 : this.at + (by || 0)
    if (!count || (!by && !["Home", "End"].includes(key))) return false
    this.at = Math.max(0, Math.min(count - 1, Math.abs(by) === this.perRow && (to < 0 || to >= count) ? this.at : to))
    const [top, head] = [Math.floor(this.at / this.perRow) * this.height, this.mode === "table" ? this.height : 0]
    if (top < this.offset) this.goTo(top)
    else if (top + head + this.height > this.offset + this.scroller.clientHeight) this.goTo(top + head + this.height - this.scroller.clientHeight)
    this.leads = true // as soon as it is there, it gets the focus
    this.show()
    return true
  }

  // One of the items that are on the page is in the order of Tab.
  rove() {
    const all = [...this.inner.querySelectorAll("[data-place]")].map((el) => (el.matches("button") ? el : el.querySelector(".open")))
    const placeOf = (el) => Number(el.closest("[data-place]").dataset.place)
    const now = all.find((el) => placeOf(el) === this.at)
    for (const el of all) el.tabIndex = el === (now || all[0]) ? 0 : -1
    if (!this.leads) return
    ;(now || this.scroller).focus({preventScroll: true}) // which hears the keys while an item is on its way
    this.leads = !now
  }

  // Gives the items as much room as the map, or takes it back.
  widen(roomy) {
    this.roomy = roomy
    keep(ROOMY, roomy ? "yes" : "")
    this.wide.classList.toggle("on", roomy)
    this.wide.setAttribute("aria-pressed", String(roomy))
    this.el.closest(".explorer")?.classList.toggle("roomy", roomy)
  }

  // One tile more in a row, or fewer; of many, several.
  wider(by, at = 0) {
    const wanted = Math.max(1, this.perRow + by * Math.max(1, Math.round(this.perRow / 7)))
    this.resize(Math.floor((this.scroller.clientWidth - 2) / wanted), at)
  }

  // Changes the tiles' size; the item at a height of the window stays there.
  resize(size, at = 0) {
    const line = (this.offset + at) / this.height
    const place = Math.floor(line) * this.perRow
    this.size = Math.max(TILES[0], Math.min(TILES[1], size))
    keep(TILE, this.size)
    this.layout()
    this.goTo((Math.floor(place / this.perRow) + (line % 1)) * this.height - at)
    this.show()
  }

  show() {
    const of = this.store.get("items_of")
    const height = this.height
    if (!height) return
    const first = Math.max(0, Math.floor(this.offset / height))
    const lines = Math.ceil(this.scroller.clientHeight / height) + 1
    const [start, stop] = [first * this.perRow, Math.min(of.count, (first + lines) * this.perRow)]
    const missing = []
    for (let place = start; place < stop; place++) if (!this.cache.has(place)) missing.push(place)
    if (missing.length) {
      for (const place of missing) this.cache.set(place, null)
      this.store.send({verb: "items", mode: this.mode, version: this.version, start: missing[0], count: missing[missing.length - 1] - missing[0] + 1, size: this.sharp})
    }
    this.place(start, stop)
  }

  onItems({version, mode, start, rows, blob, offsets, size}) {
    if (version !== this.version || mode !== this.mode || size !== this.sharp) return
    if (mode === "table") { // ids in full where they are long: those of one survey begin alike
      this.first = Math.min(170, Math.max(this.first || 104, ...rows.map((row) => 8 * short(row.cells[0]).length + 14)))
      this.inner.style.setProperty("--first", `${this.first}px`)
    }
    rows.forEach((row, place) => {
      const bytes = offsets && offsets[place + 1] > offsets[place] ? blob.slice(offsets[place], offsets[place + 1]) : null
      this.cache.set(start + place, this.build(row, bytes))
    })
    if (this.cache.size > 3000) for (const key of [...this.cache.keys()].slice(0, 1500)) this.cache.delete(key)
    this.show()
  }

  place(start, stop) {
    const height = this.height
    const top = this.mode === "table" ? height : 0
    const moved = this.scroller.scrollTop - this.offset // 0, unless it is too high for a browser
    const shown = []
    for (let place = start; place < stop; place++) {
      const el = this.cache.get(place)
      if (!el) continue
      el.style.top = `${Math.floor(place / this.perRow) * height + top + moved}px`
      el.dataset.place = place
      if (this.gallery) Object.assign(el.style, {left: `${(place % this.perRow) * this.cell}px`, width: `${this.cell - 4}px`, height: `${height - 4}px`})
      shown.push(el)
    }
    if (top) shown.unshift(h("div", {class: "row head"}, this.store.get("items_of").columns.map((name) => h("span", {title: name}, name))))
    if (!this.store.get("items_of").count) shown.push(h("p", {class: "muted"}, "No items here."))
    this.leads = this.leads || this.inner.contains(this.inner.getRootNode().activeElement) // what is taken out and put back loses the focus
    fill(this.inner, shown)
    this.rove()
  }

  build(row, bytes) {
    const open = () => this.store.send({verb: "item", row: row.row})
    if (this.gallery) {
      const about = {type: "button", title: row.title, "aria-label": row.title, "data-row": row.row, onclick: open}
      if (!bytes) return h("button", {class: "thumb", ...about}, h("span", {class: "muted"}, "?"))
      if (this.drawn !== "audio") return h("button", {class: "thumb", ...about}, picture(bytes))
      const figure = this.player.figure(row.row, h("button", {class: "open", ...about}, picture(bytes)))
      figure.querySelector(".play").tabIndex = -1 // Space plays what has the focus
      return h("div", {class: "thumb"}, figure)
    }
    if (this.mode === "table") {
      return h("button", {type: "button", class: "row", onclick: open}, row.cells.map((cell) => h("span", {class: "words", title: short(cell)}, marked(short(cell), this.store.get("marked")))))
    }
    return h("button", {type: "button", class: "text", onclick: open},
      h("span", {class: "muted"}, row.title, row.label ? ` · ${row.label}` : ""), h("span", {class: "words"}, marked(row.text, this.store.get("marked"))))
  }

  showDetail() {
    const item = this.store.get("item")
    this.detail.hidden = !item
    if (this.player.row !== null && this.player.row !== item?.row) this.player.stop()
    if (!item) return
    fill(this.detail,
      h("header", {}, h("b", {}, item.title), button("×", () => this.close(), {class: "small", "aria-label": "close", title: "Close (Esc)"})),
      item.picture ? (this.drawn === "audio" ? this.player.figure(item.row, picture(item.picture)) : picture(item.picture)) : null,
      item.text ? h("p", {class: "words"}, marked(item.text, this.store.get("marked"))) : null,
      h("dl", {}, item.lines.map(([name, value], place) => [h("dt", {}, name), h("dd", {}, short(value), place ? null : this.copyId(value))])))
  }

  close() {
    this.leads = true
    this.store.set({item: null})
    this.rove()
  }

  copyId(id) {
    return button("Copy", () => this.store.set({copy: [String(id), "the id"]}), {class: "small quiet", title: "Copy the id", "aria-label": "copy the id"})
  }
}

// What is remembered as long as the window is open.
function keep(name, value) { try { sessionStorage.setItem(name, value) } catch { /* a private window keeps nothing */ } }
function kept(name) { try { return sessionStorage.getItem(name) } catch { return null } }
