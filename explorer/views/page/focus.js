// Focus mode: one item large, a key decides, and the next is there at once. The queue is Python's; the next items are here already.

const AHEAD = 4 // items asked for: the one on screen and the next three
const BEHIND = 20 // items that are kept for going back
const LARGER = 4 // times that a small picture is enlarged at most
const BUTTONS = 40 // categories with a button; the palette finds the others

class Focus {
  constructor(store, palette, player) {
    this.store = store
    this.palette = palette
    this.player = player
    this.isOpen = false
    this.unlabelled = true
    this.order = "listed"
    this.version = this.least = 0 // of the queue, and of the one that is waited for
    this.reset()
    this.build()
    store.on("labels connected", () => { if (this.isOpen) this.render() })
    store.on("focusing", ({focusing}) => { if (focusing) this.open() })
    store.on("data", () => { this.acts.skip.title = `Leave it as it is (${this.sounds ? "" : "Space or "}→)` })
    store.on("orders", ({orders}) => fill(this.orders, orders.map(([value, text]) => h("option", {value}, text))))
    // A server that went away may have forgotten the queue; it is told that the page is there after this.
    store.on("connected", ({connected}) => { if (this.isOpen) setTimeout(() => { this.hush(); if (connected) this.begin() }) })
  }

  get able() { return this.store.get("connected") !== false }

  get item() { return this.items.get(this.at) }

  get sounds() { return this.store.get("data")?.drawn === "audio" }

  get ended() { return this.total !== null && this.at >= this.total }

  reset() {
    this.items = new Map() // by place
    this.given = new Map() // what was decided here: label by place, null for one taken away
    this.at = 0
    this.sent = 0 // decisions
    this.decided = new Map() // the number of the last decision, by place
    this.total = null
    this.notice = ""
    this.undo = this.redo = 0
    this.onStage = null // what is shown large
  }

  build() {
    const act = (text, key, run, title) => button([text, " ", h("kbd", {}, key)], () => { run(); this.stage.focus({preventScroll: true}) }, {title})
    this.progress = h("span", {class: "count", role: "status"})
    this.bar = h("progress", {max: "1", value: "0", "aria-label": "progress"})
    this.only = h("input", {type: "checkbox", checked: true, onchange: () => { this.unlabelled = this.only.checked; this.begin() }})
    this.orders = h("select", {"aria-label": "order", onchange: () => { this.order = this.orders.value; this.begin() }})
    this.stage = h("div", {class: "stage", tabindex: "-1", role: "group"})
    this.about = h("div", {class: "about"})
    this.said = h("span", {class: "notice", role: "status", "aria-live": "polite"})
    this.choices = h("div", {class: "choices", role: "group", "aria-label": "categories"})
    this.acts = {back: act("Back", "←", () => this.back(), "The item before"), skip: act("Skip", "→", () => this.next(), "Leave it as it is (Space or →)"),
      remove: act("Remove label", "Del", () => this.decide(null), "Take this item's label away"), undo: act("Undo", "Ctrl+Z", () => this.turn("undo"), "Take the last decision back and go to its item")}
    this.el = h("section", {class: "card focus", role: "dialog", "aria-modal": "true", "aria-label": "focus mode", hidden: true},
      h("header", {}, h("h2", {}, "Focus"), this.progress, this.bar, h("span", {class: "grow"}),
        h("label", {class: "check"}, this.only, "only unlabelled"), h("label", {class: "muted"}, "Order ", this.orders),
        act("Leave", "Esc", () => this.leave(), "Back to the map")),
      this.stage, this.about, this.choices, h("footer", {}, Object.values(this.acts), h("span", {class: "grow"}), this.said))
    new ResizeObserver(() => this.fit()).observe(this.stage)
  }

  // Beginning and leaving

  open() {
    if (this.isOpen || !this.able || !this.store.get("labels")) return
    this.isOpen = true
    this.before = this.el.getRootNode().activeElement
    this.el.hidden = false
    this.hush()
    this.begin()
  }

  leave() {
    if (!this.isOpen) return
    this.isOpen = false
    this.el.hidden = true
    this.player.stop()
    this.hush()
    this.reset()
    this.least = this.version + 1
    this.store.set({focusing: false})
    this.store.send({verb: "focus_off"})
    const [page, key] = [this.el.parentNode, this.before?.getAttribute("data-key")]
    const again = this.before?.isConnected && this.before !== page ? this.before : key && [...page.querySelectorAll("[data-key]")].find((el) => el.getAttribute("data-key") === key)
    ;(again || page.querySelector(".map-canvas")).focus({preventScroll: true})
  }

  // Nothing but this can be reached while it is open.
  hush() {
    this.el.parentNode.classList.toggle("focusing", this.isOpen)
    for (const part of this.el.parentNode.querySelectorAll(":scope > :is(.left, .map, .right, .labelbar)")) part.inert = this.isOpen || (!this.able && !part.matches(".map"))
  }

  begin() {
    this.reset()
    this.least = this.version + 1
    this.render()
    this.stage.focus({preventScroll: true})
    this.store.send({verb: "focus", unlabelled: this.unlabelled, order: this.order})
  }

  // From Python

  onMessage({version, total, items, marks, heard, by, go, undo, redo}) {
    if (!this.isOpen || version < this.least) return
    if (version !== this.version) { // its items may come before the queue's length does
      this.reset()
      this.version = this.least = version
    }
    if (total !== undefined) this.total = total
    if (undo !== undefined) [this.undo, this.redo] = [undo, redo]
    for (const item of items || []) this.take(item)
    for (const [place, label] of marks || []) this.mark(place, label, heard, by)
    if (go !== undefined) this.lead(go)
    else this.render()
  }

  // An item that was asked for twice comes twice, and the second knows nothing of what was decided since.
  take(item) {
    if (this.items.has(item.place)) return
    const label = this.given.has(item.place) ? this.given.get(item.place) : item.label
    this.items.set(item.place, {...item, label, image: item.picture ? picture(item.picture) : null})
    if (item.place === this.at && this.passes(item.place)) this.next()
  }

  // An item's label as it is after so many of our decisions; `by` is who changed it where it was not this page.
  mark(place, label, heard, by) {
    const item = this.items.get(place)
    if (this.decided.get(place) > heard) return // what was decided here since is under way
    if (this.given.has(place)) this.given.set(place, label)
    if (!item || item.label === label) return
    item.label = label
    if (place === this.at && typeof by === "string") this.notice = label === null ? `${by || "somebody"} has taken its label away` : `${by || "somebody"} has labelled it “${label}”`
  }

  lead(place) {
    this.given.set(place, this.items.get(place)?.label ?? null)
    this.show(place)
  }

  // Going through

  // Whether somebody else has labelled it meanwhile, so that there is nothing left to decide.
  passes(place) {
    const item = this.items.get(place)
    return Boolean(item) && this.unlabelled && item.label !== null && !this.given.has(place)
  }

  next() {
    if (this.ended) return
    let place = this.at + 1
    while (this.passes(place)) place += 1
    this.show(place)
  }

  back() {
    let place = this.at - 1
    while (place > 0 && this.passes(place)) place -= 1
    if (place >= 0) this.show(place)
  }

  show(place) {
    this.at = Math.min(place, this.total ?? Infinity)
    this.player.stop()
    this.notice = ""
    for (const old of this.items.keys()) if (old < this.at - BEHIND) this.items.delete(old)
    this.ask()
    this.render()
    if (!this.palette.isOpen) this.stage.focus({preventScroll: true})
    this.stage.scrollTop = 0
  }

  ask() {
    const need = []
    for (let place = this.at; place < Math.min(this.at + AHEAD, this.total ?? Infinity); place++) if (!this.items.has(place)) need.push(place)
    if (need.length) this.store.send({verb: "focus_at", version: this.version, need})
  }

  decide(name) {
    const item = this.item
    if (!item || !this.able) return
    this.given.set(this.at, name)
    item.label = name
    this.decided.set(this.at, (this.sent += 1))
    this.store.save({verb: "focus_label", row: item.row, item: item.id, name})
    if (name === null) return this.render()
    this.store.set({used: name})
    this.next()
  }

  turn(verb) { if (this.able && this[verb]) this.store.save({verb: `focus_${verb}`}) }

  byKey(key) {
    const category = this.store.get("labels").categories.find((one) => one.key === key)
    if (category) this.decide(category.name)
    else this.tell(`no category has the key ${key} yet; N makes one`)
  }

  tell(text) { this.notice = text; this.render() }

  name() { if (this.item && this.able) this.palette.ask("Label this item as", (name) => this.decide(name), () => this.stage.focus({preventScroll: true})) }

  // Says whether a key meant something here; all others mean nothing while it is open.
  onKey(event) {
    const [at, key] = [event.composedPath()[0], event.key.toLowerCase()]
    if ((event.ctrlKey || event.metaKey) && ["z", "y"].includes(key)) { this.turn(key === "y" || event.shiftKey ? "redo" : "undo"); return true }
    if (key === "tab") return this.trap(event)
    if (event.ctrlKey || event.metaKey || event.altKey) return false
    if (at.matches?.("select") && key !== "escape") return false // which has keys of its own
    if (/^[1-9]$/.test(key)) this.byKey(Number(key))
    else if (key === " " && at.matches?.("button, input")) return false // which it presses
    else if (key === "arrowup" || key === "arrowdown") this.stage.scrollBy({top: key === "arrowup" ? -60 : 60})
    else {
      const run = {" ": () => (this.sounds && this.item ? this.player.toggle(this.item.row) : this.next()), arrowright: () => this.next(), arrowleft: () => this.back(), delete: () => this.decide(null), backspace: () => this.decide(null),
        n: () => this.name(), "/": () => this.name(), escape: () => this.leave()}[key]
      if (!run) return false
      run()
    }
    return true
  }

  trap(event) {
    const reach = reachable(this.el)
    const active = this.el.getRootNode().activeElement
    const edge = event.shiftKey ? reach[0] : reach[reach.length - 1]
    if (active !== edge && active !== this.stage && this.el.contains(active)) return false
    if (active === this.stage && !event.shiftKey) return false
    reach[event.shiftKey ? reach.length - 1 : 0].focus()
    return true
  }

  // On screen

  render() {
    const [total, item] = [this.total, this.item]
    const place = Math.min(this.at + 1, total || 0)
    const share = total ? place / total : 0
    this.progress.textContent = total === null ? "…" : `${number(place)} of ${number(total)} · ${Math.floor(100 * share)} %`
    this.bar.value = share
    this.orders.value = this.order
    this.showStage(item)
    this.showAbout(item)
    this.choose(item)
    this.said.textContent = this.able ? this.notice : "disconnected: labelling is off until the server is back"
    const off = {back: this.at === 0, skip: !item, remove: !this.able || !item || item.label === null, undo: !this.able || !this.undo}
    for (const [name, el] of Object.entries(this.acts)) el.disabled = off[name]
  }

  showStage(item) {
    const shown = item || (this.ended ? "end" : "wait")
    const label = item && item.label !== null ? `, labelled ${item.label}` : ""
    this.stage.setAttribute("aria-label", item ? `${item.title}, item ${this.at + 1} of ${this.total}${label}` : this.ended ? "the end" : "loading")
    if (shown === this.onStage && !this.ended) return
    this.onStage = shown
    this.stage.dataset.kind = item ? (item.image ? "picture" : item.text ? "text" : "table") : "none"
    if (this.ended) keepingFocus(this.stage, () => fill(this.stage, this.end()))
    else if (!item) fill(this.stage, h("p", {class: "muted"}, "…"))
    else if (item.image) { fill(this.stage, this.sounds ? this.player.figure(item.row, item.image) : item.image); this.fit(); item.image.addEventListener("load", () => this.fit(), {once: true}) }
    else if (item.text) fill(this.stage, h("p", {class: "words"}, marked(item.text, this.store.get("marked"))))
    else fill(this.stage, h("dl", {}, [["id", item.id], ...item.lines].map(([name, value]) => [h("dt", {}, name), h("dd", {}, short(value))])))
  }

  // As large as fits; a small one by whole numbers, so that each of its dots stays a square.
  fit() {
    const image = this.stage.querySelector("img")
    if (!image?.naturalWidth) return
    const room = Math.min((this.stage.clientWidth - 24) / image.naturalWidth, (this.stage.clientHeight - 24) / image.naturalHeight, LARGER)
    const scale = room >= 2 ? Math.floor(room) : room
    Object.assign(image.style, {width: `${image.naturalWidth * scale}px`, height: `${image.naturalHeight * scale}px`, imageRendering: scale >= 2 ? "pixelated" : "auto"})
  }

  showAbout(item) {
    const label = item?.label ?? null
    const color = this.store.get("labels").categories.find(({name}) => name === label)?.color
    fill(this.about, item ? [h("b", {}, item.title), item.cluster ? h("span", {class: "muted"}, item.cluster) : null,
      label === null ? h("span", {class: "muted"}, "no label yet") : h("span", {class: "now"}, h("i", {class: "dot", style: {background: color}}), label === "" ? "(empty)" : label)] : [])
  }

  choose(item) {
    const {categories} = this.store.get("labels")
    const order = [...categories.filter(({key}) => key).sort((one, other) => one.key - other.key), ...categories.filter(({key}) => !key)]
    const off = !this.able || !item
    const rest = order.length - BUTTONS
    keepingFocus(this.choices, () => fill(this.choices, order.slice(0, BUTTONS).map(({name, key, color}) =>
      h("button", {type: "button", class: item?.label === name ? "choice on" : "choice", disabled: off, "aria-pressed": String(item?.label === name), "aria-keyshortcuts": key || null, "data-key": `give-${name}`, onclick: () => this.decide(name)},
        key ? h("kbd", {}, String(key)) : null, h("i", {class: "dot", style: {background: color}}), h("span", {class: "name"}, name === "" ? "(empty)" : name))),
    h("button", {type: "button", class: "choice add", disabled: off, "data-key": "give-new", title: "Another category, or a new one (N)", onclick: () => this.name()}, h("kbd", {}, "N"), rest > 0 ? `new, or one of ${number(rest)} more` : "new category")))
  }

  end() {
    const labelled = [...this.given.values()].filter((label) => label !== null).length
    const left = this.total - labelled
    if (!this.total) {
      return [h("h2", {}, this.unlabelled ? "Every item here has a label" : "There are no items here"),
        this.unlabelled ? button("Go through all of them", () => { this.unlabelled = this.only.checked = false; this.begin() }, {"data-key": "end-all"}) : null]
    }
    return [h("h2", {}, "That was the last one"), h("p", {class: "muted"}, `${number(labelled)} labelled, ${number(left)} left as ${left === 1 ? "it is" : "they are"}`),
      h("p", {class: "group"}, left ? button(`Begin again with ${this.unlabelled ? "those left" : "the first"}`, () => this.begin(), {"data-key": "end-again"}) : null, button("Leave", () => this.leave(), {class: "primary", "data-key": "end-leave"}))]
  }
}
