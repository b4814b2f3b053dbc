// How far the map can be trusted: three measures with what they mean, distances, other seeds, and what a brushed group has lost.

const SHADES = {height: 128} // of the picture of distances, in pixels

class TrustPanel {
  constructor(store, map) {
    this.store = store
    this.map = map
    this.isOpen = false
    this.lines = false // whether they are drawn
    this.body = h("div", {class: "scroller", tabindex: "-1"})
    this.el = h("section", {class: "trust", "aria-label": "trust"}, this.body)
    this.canvas = h("canvas", {role: "img"})
    map.layers.unshift(this) // under the marks
    store.on("trust torn color", () => this.render())
    store.on("selection", ({selection}) => { if (!selection.count) this.lines = false; this.render() })
    store.on("torn", () => map.draw())
    store.on("theme", () => this.shade())
    store.on("connected", ({connected}) => { if (connected && this.isOpen) this.store.send({verb: "trust", open: true}) })
  }

  opened() {
    if (this.isOpen) return
    this.isOpen = true
    this.store.send({verb: "trust", open: true})
    this.render()
  }

  closed() {
    if (!this.isOpen) return
    this.isOpen = false
    this.store.send({verb: "trust", open: false})
  }

  render() {
    const trust = this.store.get("trust")
    if (!this.isOpen || !trust) return
    const scroll = this.body.scrollTop
    keepingFocus(this.el, () => {
      fill(this.body, trust.known ? this.known(trust) : this.empty(trust))
      this.body.scrollTop = scroll
      this.shade()
    })
  }

  // What is to be done, where nothing is measured yet.
  empty({lacks, busy, why}) {
    const missing = lacks === "features" ? "There are no features yet to compare the map with: run the first step on the left." : lacks ? "There is no map yet: run the steps on the left." : ""
    return h("article", {}, h("h3", {}, "How far can this map be believed?"),
      h("p", {class: "muted"}, missing || "A map in two dimensions must leave something out. Measuring says how much: whether items side by side are really alike, and whether alike items lie together."),
      missing ? null : busy ? this.progress(busy, "trust_stop", "measuring") : button("Measure", () => this.store.send({verb: "trust_run"}), {class: "primary", "data-key": "trust-run"}),
      why ? h("p", {class: "message", role: "alert"}, why) : null)
  }

  known(trust) {
    return [this.torn(), trust.scores.map((score) => this.score(score)), this.sample(trust), this.seeds(trust.seeds), this.distances(trust.shepard), h("article", {}, h("h3", {}, "Directions"), h("p", {}, trust.dimension)),
      h("p", {class: "muted small basis"}, `${trust.note}. In brackets: the 95 % interval.`)]
  }

  score(score) {
    const at = (value) => `${Math.max(0, Math.min(100, 100 * value))}%`
    return h("article", {},
      h("header", {}, h("h3", {}, score.name), h("span", {class: "figure"}, h("b", {}, score.text), h("span", {class: "muted"}, ` (${score.between})`))),
      h("div", {class: "gauge", "aria-hidden": "true"}, h("i", {style: {width: at(score.value)}}), h("em", {style: {left: at(score.low), width: `max(2px, ${100 * (score.high - score.low)}%)`}})),
      h("p", {}, score.means), this.paintBy(score.color, score.name))
  }

  // What to do where only some items were ranked: the others have two of the colours only then.
  sample({sample, busy, why}) {
    if (!sample) return null
    const run = () => h("div", {class: "acts"}, button(`Measure all ${number(sample.items)} items`, () => this.store.send({verb: "trust_all"}), {class: "small", "data-key": "trust-all"}), h("span", {class: "muted small"}, sample.takes))
    return h("article", {}, h("h3", {}, "All items"),
      h("p", {}, `Trustworthiness and continuity are of ${number(sample.ranked)} items picked at random; the others have neither of these colours yet.`),
      busy ? this.progress(busy, "trust_stop", "measuring all items") : run(), why ? h("p", {class: "message", role: "alert"}, why) : null)
  }

  // A button that colours the map, pressed where it does.
  paintBy(by, name) {
    const on = this.store.get("color")?.by === by
    return button(on ? "The map is coloured by this" : "Colour the map by this", () => this.store.send({verb: "color", by}), {class: on ? "small on" : "small", "aria-pressed": String(on), "aria-label": `colour the map by ${name.toLowerCase()}`, "data-key": `paint-${by}`})
  }

  progress({fraction, note}, stop, what) {
    const bar = h("progress", {max: 1, "aria-label": `${what}: progress`})
    if (fraction > 0) bar.value = fraction
    return h("div", {class: "going", role: "status"}, bar, h("span", {class: "muted"}, note), button("Stop", () => this.store.send({verb: stop}), {class: "small", "data-key": stop}))
  }

  seeds({busy, why, said, color, count}) {
    const again = said ? null : button("Compare seeds", () => this.store.send({verb: "stability_run"}), {class: "small", "data-key": "stability-run", title: `Computes this layout ${count} more times`})
    return h("article", {}, h("h3", {}, "Other seeds"),
      h("p", {}, said || `Chance has a part in most maps. ${count} more layouts under other seeds show what would stay where it is.`),
      busy ? this.progress(busy, "stability_stop", "other seeds") : again,
      said && color ? this.paintBy(color, "stability") : null, why ? h("p", {class: "message", role: "alert"}, why) : null)
  }

  distances({said, correlation, ends, pairs}) {
    this.canvas.setAttribute("aria-label", `distances on the map against those of the features, rank correlation ${correlation}`)
    return h("article", {}, h("header", {}, h("h3", {}, "Distances"), h("span", {class: "figure"}, h("span", {class: "muted"}, "rank correlation "), h("b", {}, correlation))),
      h("div", {class: "ends"}, h("span", {}, "↑ on the map"), h("span", {}, ends[1])), h("div", {class: "shepard"}, this.canvas),
      h("div", {class: "ends"}, h("span", {}, "0"), h("span", {}, "in the features →"), h("span", {}, ends[0])),
      h("p", {}, said), h("p", {class: "muted small"}, `${number(pairs)} pairs of items; the fuller the shade, the more`))
  }

  torn() {
    const torn = this.store.get("torn")
    const count = this.store.get("selection")?.count
    if (!count) return h("article", {}, h("h3", {}, "A group"), h("p", {class: "muted"}, "Brush a group on the map to see how much of what is most like it lies elsewhere."))
    const head = h("header", {}, h("h3", {}, h("i", {class: "dot selected"}), `${number(count)} selected`))
    if (!torn) return h("article", {"aria-busy": "true"}, head, h("p", {class: "muted", role: "status"}, "Looking for its neighbours …"))
    if (!torn.of) return h("article", {}, head, h("p", {role: "status"}, "No item of this group has features and a place."))
    const said = torn.count ? [h("b", {class: "share"}, `torn: ${torn.share}`), ` of its nearest neighbours lie elsewhere`] : [h("b", {}, "whole: "), "none of its nearest neighbours lie elsewhere"]
    return h("article", {}, head, h("p", {role: "status", title: `${number(torn.count)} of ${number(torn.of)}: the ${torn.k} items most like each member that are neither in the group nor around it`}, said, "."),
      torn.shown ? h("div", {class: "acts"},
        button(this.lines ? "Hide the lines" : "Show the lines", () => { this.lines = !this.lines; this.render(); this.map.draw() }, {class: this.lines ? "small on" : "small", "aria-pressed": String(this.lines), "data-key": "torn-lines"}),
        button(`Select those ${number(torn.shown)}`, () => this.store.send({verb: "select_torn", mode: this.map.mode}), {class: "small", "data-key": "select-torn", title: "Select the items that lie elsewhere, as the map's mode says"})) : null,
      this.lines && torn.count > torn.lines.length ? h("p", {class: "muted small"}, `the ${number(torn.lines.length)} longest lines`) : null)
  }

  // The picture of distances: a cell the darker, the more pairs it holds.
  shade() {
    const shades = this.store.get("trust")?.shepard?.shades
    if (!this.isOpen || !shades || !this.canvas.isConnected || !this.canvas.clientWidth) return
    const ratio = Math.min(2, window.devicePixelRatio || 1)
    const [width, height] = [this.canvas.clientWidth, SHADES.height]
    Object.assign(this.canvas, {width: Math.round(width * ratio), height: Math.round(height * ratio)})
    const cells = document.createElement("canvas") // a pixel a cell: enlarged, they touch and do not overlap
    Object.assign(cells, {width: shades[0].length, height: shades.length})
    const small = cells.getContext("2d")
    small.fillStyle = getComputedStyle(this.canvas).color
    shades.forEach((row, up) => row.forEach((shade, across) => {
      if (!shade) return
      small.globalAlpha = 0.08 + 0.92 * shade
      small.fillRect(across, shades.length - 1 - up, 1, 1)
    }))
    const context = this.canvas.getContext("2d")
    context.imageSmoothingEnabled = false
    context.drawImage(cells, 0, 0, this.canvas.width, this.canvas.height)
  }

  paint(context, camera, {ink, paper, accent}) {
    const lines = this.lines ? this.store.get("torn")?.lines || [] : []
    this.map.canvas.dataset.torn = lines.length
    if (!lines.length || !this.map.frame) return
    for (const [color, width, alpha] of [[paper, 2.5, 0.5], [accent, 1, 0.55]]) {
      Object.assign(context, {strokeStyle: color, lineWidth: width, globalAlpha: alpha})
      context.beginPath()
      for (const [x0, y0, x1, y1] of lines) {
        context.moveTo(...camera.toPixel(x0, y0))
        context.lineTo(...camera.toPixel(x1, y1))
      }
      context.stroke()
    }
    context.globalAlpha = 0.9
    context.fillStyle = ink
    for (const [, , x, y] of lines) {
      const [px, py] = camera.toPixel(x, y)
      context.beginPath()
      context.arc(px, py, 2.5, 0, 2 * Math.PI)
      context.fill()
    }
    context.globalAlpha = 1
  }
}
