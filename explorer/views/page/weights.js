// How much each column counts, and which count at all; ranked by the server, so that columns of noise are left out with one click.

const HEAVIEST = 5 // where the slider ends; more can be written

class WeightsDialog {
  constructor(store, dialogs) {
    this.store = store
    this.dialogs = dialogs
    store.on("weights", () => this.render())
    store.on("steps", () => this.hear())
  }

  open() {
    this.rows = new Map()
    this.order = ""
    this.find = h("input", {type: "search", placeholder: "Find a column", "aria-label": "find a column to weigh", oninput: () => this.render()})
    this.rank = button("Rank columns", () => this.store.send({verb: "rank"}), {title: "Find the columns that agree with others, and those that look like noise"})
    this.bar = h("progress", {max: "1", "aria-label": "ranking progress"})
    this.stop = button("Stop", () => this.store.send({verb: "rank_stop"}))
    this.drop = button("", () => this.give(this.noise().map((name) => [name, 0])))
    this.allOn = button("All on", () => this.everything(), {title: "Every column counts again; weights stay"})
    this.list = h("ul", {class: "weights", "aria-label": "columns and their weights"})
    this.note = h("p", {class: "muted", role: "status"})
    this.take()
    const body = [h("p", {class: "muted"}, "A column of weight 2 counts as two of weight 1; one that is off does not count. Run on the left computes."),
      h("div", {class: "weights-bar"}, this.find, this.rank, this.bar, this.stop, h("span", {class: "grow"}), this.allOn, this.drop), this.list, this.note]
    this.dialog = this.dialogs.open("Columns", body, [])
    this.dialog.classList.add("wide", "weighing")
    this.dialog.addEventListener("close", () => { this.dialog = null })
    this.store.send({verb: "weigh"})
    this.render()
  }

  // What the step is set to

  take() {
    const {settings} = this.store.get("steps").extract
    this.only = settings.columns || []
    this.weights = new Map((settings.weights || []).map((entry) => [entry.slice(0, entry.lastIndexOf("=")), Number(entry.slice(entry.lastIndexOf("=") + 1))]))
  }

  hear() {
    if (!this.dialog) return
    const step = this.store.get("steps").extract
    if (step.method !== "columns") return this.dialogs.closeAll()
    if (this.store.behind("steps", this.sent)) return
    this.take()
    this.update()
  }

  weight(name) { return this.weights.get(name) ?? 1 }

  isOn(name) { return this.weight(name) > 0 && (!this.only.length || this.only.includes(name)) }

  give(changes) {
    for (const [name, weight] of changes) {
      this.weights.set(name, weight)
      if (weight > 0 && this.only.length && !this.only.includes(name)) this.only = [...this.only, name]
    }
    this.send()
  }

  everything() {
    this.only = []
    for (const [name, weight] of this.weights) if (!weight) this.weights.delete(name)
    this.send()
  }

  send() {
    const settings = this.store.get("steps").extract.settings
    const weights = [...this.weights].filter(([, weight]) => weight !== 1).map(([name, weight]) => `${name}=${weight}`)
    if (JSON.stringify(this.only) !== JSON.stringify(settings.columns) || this.store.behind("steps", this.sent)) this.store.send({verb: "setting", kind: "extract", name: "columns", value: this.only})
    this.sent = this.store.send({verb: "setting", kind: "extract", name: "weights", value: weights})
    this.update()
  }

  // What is shown

  noise() { return (this.store.get("weights")?.ranked || []).filter((one) => one.noise && this.isOn(one.name)).map((one) => one.name) }

  render() {
    const now = this.store.get("weights")
    if (!this.dialog) return
    if (!now) return fill(this.list, h("li", {class: "muted"}, "Looking at the columns …"))
    const score = new Map((now.ranked || []).map((one) => [one.name, one]))
    const names = now.ranked ? now.ranked.map((one) => one.name) : now.columns.map((column) => column.name)
    const kinds = new Map(now.columns.map(({name, kind}) => [name, kind]))
    const word = this.find.value.trim().toLocaleLowerCase()
    const shown = names.filter((name) => kinds.has(name) && name.toLocaleLowerCase().includes(word))
    const order = JSON.stringify([shown, now.ranked])
    this.find.hidden = now.columns.length <= SEARCHED
    if (order !== this.order) {
      this.order = order
      this.rows = new Map(shown.map((name) => [name, new WeightRow(this, name, kinds.get(name), score.get(name))]))
      keepingFocus(this.list, () => fill(this.list, shown.length ? [...this.rows.values()].map((row) => row.el) : h("li", {class: "muted"}, "No column is called so.")))
    }
    const busy = now.busy !== null
    this.rank.hidden = busy
    this.bar.hidden = this.stop.hidden = !busy
    if (now.busy) this.bar.value = now.busy
    else this.bar.removeAttribute("value")
    this.update()
  }

  update() {
    for (const row of this.rows.values()) row.update()
    const now = this.store.get("weights")
    if (!now) return
    const [all, on, noise] = [now.columns.length, now.columns.filter(({name}) => this.isOn(name)).length, this.noise().length]
    this.drop.hidden = !now.ranked || !noise
    this.drop.disabled = noise >= on
    this.drop.classList.toggle("primary", noise > 0 && noise < on)
    this.drop.title = noise >= on ? "Every column looks like noise: none agrees with another" : "Switch off the columns that look like noise; All on takes it back"
    this.drop.textContent = `Drop ${number(noise)} noise column${noise === 1 ? "" : "s"}`
    this.allOn.disabled = on === all
    const found = now.ranked ? now.ranked.filter((one) => one.noise).length : 0
    this.note.textContent = `${number(on)} of ${number(all)} columns on` + (now.ranked
      ? ` · ${found ? `${number(found)} look like noise: they agree with no other column more than shuffled ones do` : "none looks like noise"}` : "")
  }
}

class WeightRow {
  constructor(dialog, name, kind, ranked) {
    this.dialog = dialog
    this.name = name
    this.box = h("input", {type: "checkbox", "aria-label": `use ${name}`, "data-key": `on-${name}`, onchange: () => dialog.give([[name, this.box.checked ? 1 : 0]])})
    this.slider = h("input", {type: "range", min: 0, max: HEAVIEST, step: 0.5, "aria-label": `weight of ${name}`, "data-key": `weigh-${name}`, oninput: () => this.moved()})
    this.value = h("input", {type: "number", class: "number", min: 0, step: "any", "aria-label": `weight of ${name} as a number`, "data-key": `weight-${name}`,
      onchange: () => (this.value.value === "" || Number(this.value.value) < 0 ? this.update(true) : dialog.give([[name, Number(this.value.value)]]))})
    const bar = ranked && h("span", {class: "score", title: `agreement with the other columns: ${Math.round(ranked.score * 100)} % of the highest`}, h("i", {style: {width: `${Math.round(ranked.score * 100)}%`}}))
    this.el = h("li", {}, h("label", {}, this.box, h("span", {class: "name", title: name}, name || "(empty)")), h("span", {class: "muted kind"}, kind),
      bar || h("span", {class: "score none"}), h("span", {class: "muted looks"}, ranked?.noise ? "noise?" : ""), h("span", {class: "range"}, this.slider), this.value)
  }

  moved() {
    this.value.value = this.slider.value
    this.tint()
    clearTimeout(this.waiting)
    this.waiting = setTimeout(() => { this.waiting = null; this.dialog.give([[this.name, Number(this.slider.value)]]) }, 180)
  }

  tint() { this.slider.style.setProperty("--at", `${(100 * this.slider.value) / HEAVIEST}%`) }

  update(anyway = false) {
    if (this.waiting) return
    const on = this.dialog.isOn(this.name)
    this.box.checked = on
    this.el.classList.toggle("off", !on)
    this.slider.value = Math.min(HEAVIEST, on ? this.dialog.weight(this.name) : 0)
    if (anyway || !this.value.matches(":focus")) this.value.value = on ? this.dialog.weight(this.name) : 0
    this.tint()
  }
}
