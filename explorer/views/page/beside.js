// Another kept layout beside the map: one selection, one legend and one camera for both, what moved, and the way from one to the other.

const LEAST_MOVED = 0.001 // the shares of items that can be selected as those that moved most
const MOST_MOVED = 0.2
const STACKED = 520 // pixels of both maps, under which the second stands below the first
const OF_MAP = {view: "beside_view", select: "beside_select", pick: "beside_pick", hover: "beside_hover"}

class Beside {
  constructor(store, map) {
    this.store = store
    this.map = map
    this.share = 0.01
    this.linked = true
    this.buildMenu()
    this.buildBar()
    this.tag = h("div", {class: "map-name", hidden: true})
    map.area.append(this.tag)
    map.hint.prepend(this.el)
    map.areas.before(this.bar)
    store.on("map", () => { this.el.hidden = !store.get("map")?.bounds })
    store.on("layouts", () => this.list())
    store.on("beside", () => this.show())
    store.on("overlap color", () => this.tell())
    store.on("selection", () => this.other?.store.set({selection: this.selection()}))
    store.on("hover beside_at", () => this.point())
    store.on("filters", ({filters}) => this.other?.store.set({filters}))
    new ResizeObserver(() => map.areas.classList.toggle("stacked", map.areas.clientWidth < STACKED)).observe(map.areas)
  }

  get still() { return matchMedia("(prefers-reduced-motion: reduce)").matches }

  // The list of kept layouts

  buildMenu() {
    this.button = button("Compare…", () => this.toggle(), {class: "quiet small", "aria-expanded": "false", title: "Show another layout beside this one, or instead of it", "data-key": "compare-layouts"})
    this.panel = h("div", {class: "layouts", role: "group", "aria-label": "kept layouts", hidden: true})
    this.el = h("span", {class: "has-menu", hidden: true}, this.button, this.panel)
    this.el.addEventListener("keydown", (event) => { if (event.key === "Escape" && !this.panel.hidden) { event.preventDefault(); event.stopPropagation(); this.close(true) } })
    this.panel.addEventListener("focusout", ({relatedTarget}) => { if (relatedTarget && !this.el.contains(relatedTarget)) this.close(false) })
  }

  toggle() { if (this.panel.hidden) this.open(); else this.close(true) }

  open() {
    this.list(true)
    this.panel.hidden = false
    this.button.setAttribute("aria-expanded", "true")
    this.store.send({verb: "layouts"})
    this.outside = (event) => { if (!event.composedPath().includes(this.el)) this.close(false) }
    this.el.getRootNode().addEventListener("pointerdown", this.outside)
  }

  close(refocus) {
    if (this.panel.hidden) return
    this.panel.hidden = true
    this.button.setAttribute("aria-expanded", "false")
    this.el.getRootNode().removeEventListener("pointerdown", this.outside)
    if (refocus) this.button.focus()
  }

  list(waiting = false) {
    const layouts = this.store.get("layouts") || []
    const others = layouts.filter((one) => !one.current)
    const nothing = waiting && !others.length ? "Looking…" : "No other layout of these features is kept yet. Run the Layout step with another method or other settings, then compare."
    keepingFocus(this.panel, () => fill(this.panel, h("b", {}, "Layouts kept here"),
      others.length ? h("ul", {class: "saved"}, others.map((one) => this.row(one))) : h("p", {class: "muted"}, nothing)))
    if (!waiting && !this.panel.hidden && this.el.getRootNode().activeElement === this.button) this.panel.querySelector(".pick")?.focus()
  }

  row(one) {
    const go = (message) => { this.close(true); this.store.send(message) }
    return h("li", {},
      h("button", {type: "button", class: "pick", "data-key": `beside-${one.key}`, title: "Show it beside this one", onclick: () => go({verb: "beside", key: one.key})},
        h("span", {class: "name"}, one.method, h("span", {class: "muted"}, one.said ? ` ${one.said}` : "", one.stopped ? ` · stopped at ${one.stopped}` : "")), h("span", {class: "count"}, moment(one.when))),
      button("use", () => go({verb: "show_layout", key: one.key, still: this.still}), {class: "small", title: "Show it instead of this one", "aria-label": `use ${one.method} ${one.said}`, "data-key": `use-${one.key}`}))
  }

  // What is said of the two

  buildBar() {
    this.name = h("span", {class: "name"})
    this.shared = h("span", {class: "shared"})
    this.coloring = button("Colour by it", () => this.store.send({verb: "color_overlap"}), {class: "small", title: "Colour each item by the share of its neighbours that both maps have", "data-key": "color-overlap"})
    this.slider = h("input", {type: "range", min: 0, max: 100, "aria-label": "share of the items that moved most", oninput: () => { this.share = this.fromSlider(); this.count() }})
    this.select = button("", () => this.store.send({verb: "moved", share: this.share, mode: this.map.mode}), {class: "small", title: "Select the items whose places differ most, once one map lies on the other", "data-key": "moved"})
    this.link = h("input", {type: "checkbox", checked: true, "data-key": "link-cameras", onchange: () => { this.linked = this.link.checked; this.bound(); this.follow(this.map, this.other) }})
    this.morph = button("", () => this.store.send({verb: "morph", still: this.still}), {class: "small", "data-key": "morph"})
    this.use = button("Use it", () => this.store.send({verb: "show_layout", key: this.store.get("beside").key, still: this.still}), {class: "small", title: "Make it the current layout; this one is then shown beside it", "data-key": "use-beside"})
    const end = button("×", () => this.store.send({verb: "beside", key: null}), {class: "small", title: "Show one map again", "aria-label": "close the second map", "data-key": "beside-close"})
    this.bar = h("div", {class: "beside-bar", role: "group", "aria-label": "two layouts", hidden: true}, this.name, h("label", {title: "Both maps look at the same place"}, this.link, "One camera"), this.morph, this.use, end,
      h("div", {class: "line-of"}, this.shared, this.coloring, h("span", {class: "grow"}), h("label", {class: "moved"}, "Moved most", this.slider), this.select))
  }

  fromSlider() { return LEAST_MOVED * (MOST_MOVED / LEAST_MOVED) ** (Number(this.slider.value) / 100) }

  count() {
    const at = (100 * Math.log(this.share / LEAST_MOVED)) / Math.log(MOST_MOVED / LEAST_MOVED)
    this.slider.value = at
    this.slider.style.setProperty("--at", `${at}%`)
    const many = Math.max(1, Math.round(this.share * (this.store.get("beside")?.items || 0)))
    this.select.textContent = `Select ${number(many)}`
  }

  tell() {
    const found = this.store.get("overlap")
    if (!found || !this.store.get("beside")) return
    const mean = found.mean === null || found.mean === undefined ? "no neighbours in common to speak of" : `${Math.round(100 * found.mean)} % of neighbours shared`
    this.shared.textContent = found.busy || mean
    this.shared.title = found.note || ""
    this.coloring.hidden = Boolean(found.busy)
    const on = this.store.get("color")?.by === "measure:overlap"
    this.coloring.classList.toggle("on", on)
    this.coloring.setAttribute("aria-pressed", String(on))
  }

  // The second map

  show() {
    const beside = this.store.get("beside")
    this.bar.hidden = this.tag.hidden = !beside
    this.map.shares = Boolean(beside)
    this.map.areas.classList.toggle("two", Boolean(beside))
    if (!beside) return this.leave()
    fill(this.name, h("b", {}, beside.method), h("span", {class: "muted"}, `${beside.said ? ` ${beside.said}` : ""} · ${moment(beside.when)}, laid onto this map`))
    this.name.title = this.name.textContent
    this.tag.textContent = beside.swapped ? beside.that : beside.this
    this.morph.textContent = beside.swapped ? "Move back" : "Move to it"
    this.morph.title = beside.swapped ? "Move the items of the first map back to their places" : "Move the items of the first map to their places on the other"
    this.count()
    this.tell()
    if (!this.other) this.enter()
    this.other.tag.textContent = beside.that
    this.other.store.set({map: beside.map})
    this.bound()
    this.follow(this.map, this.other)
  }

  enter() {
    const store = new Store((message) => this.store.send({...message, verb: OF_MAP[message.verb] || message.verb}))
    const map = new MapView(store)
    Object.assign(map, {store, name: "other map", shares: true, tools: this.map.tools, tag: h("div", {class: "map-name"}), marks: new Marks(store, map)})
    map.area.append(map.tag)
    map.area.classList.add("second")
    this.map.areas.append(map.area)
    this.other = map
    this.map.onToolToo = (held) => map.onTool(held)
    this.map.onCamera = () => this.follow(this.map, map)
    map.onCamera = () => this.follow(map, this.map)
    const {color, filters} = this.store.values
    store.set({color, filters, selection: this.selection()})
  }

  leave() {
    if (!this.other) return
    this.other.area.remove()
    this.map.onToolToo = this.map.onCamera = this.other.onCamera = this.map.also = null
    this.other = null
  }

  // Where one camera looks for both, all that it has to see is on either.
  bound() {
    if (!this.other) return
    const of = (map) => (this.linked ? map.store.get("map")?.bounds : null)
    ;[this.map.also, this.other.also] = [of(this.other), of(this.map)]
    if (this.linked && !this.map.moved && !this.map.gliding) this.map.fit()
  }

  // One camera looks where the other does.
  follow(one, other) {
    if (!this.linked || this.linking || !other || one.camera.width < 2) return
    this.linking = true
    other.lookAt(one.gliding?.goal || one.camera)
    this.linking = false
  }

  // How many are selected; where they were drawn is on the first map alone.
  selection() { return {...(this.store.get("selection") || {count: 0}), regions: [], strokes: []} }

  point() {
    const [hover, at] = [this.store.get("hover"), this.store.get("beside_at")]
    this.other?.store.set({hover: hover && at ? {...hover, x: at[0], y: at[1]} : null})
  }

  onFrame(frame) { this.other?.onFrame(frame) }

  onSprites(sprites) { this.other?.marks.onSprites(sprites) }
}

// When something was made: a time today, else a day.
function moment(seconds) {
  const then = new Date(1000 * seconds)
  const today = then.toDateString() === new Date().toDateString()
  return today ? then.toLocaleTimeString("en-GB", {hour: "2-digit", minute: "2-digit"}) : then.toLocaleDateString("en-GB", {day: "numeric", month: "short", year: "numeric"})
}
