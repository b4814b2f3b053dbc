// The nearest neighbours of the item that is looked at: a list with distances, and lines on the map from it to them.

class Neighbours {
  constructor(store, map) {
    this.store = store
    this.map = map
    this.k = 12
    this.rows = new Set()
    this.metric = null // null: the one that fits the features
    this.el = h("section", {class: "items neighbours", "aria-label": "neighbours"})
    this.growing = h("div", {class: "growing", role: "status", hidden: true})
    map.area.append(this.growing)
    map.layers.unshift(this) // under the marks
    store.on("item", () => this.ask())
    store.on("neighbours", () => {
      this.rows = new Set(this.store.get("neighbours")?.items?.map(({row}) => row))
      this.render()
      map.draw()
    })
    store.on("growing", () => this.showGrowing())
    this.render()
  }

  ask() {
    const item = this.store.get("item")
    if (item) this.store.send({verb: "neighbours", row: item.row, k: this.k, metric: this.metric})
    else if (this.store.get("neighbours")) this.store.send({verb: "neighbours_off"})
  }

  change(k, metric) {
    Object.assign(this, {k: Math.max(1, Math.min(100, k)), metric})
    const row = (this.store.get("item") || this.store.get("neighbours"))?.row
    if (row !== undefined) this.store.send({verb: "neighbours", row, k: this.k, metric})
    this.render()
  }

  render() {
    const found = this.store.get("neighbours")
    keepingFocus(this.el, () => fill(this.el, found?.items ? this.list(found)
      : h("p", {class: "muted"}, found?.missing || "Click an item on the map: its nearest neighbours in feature space are listed here, and joined to it by lines.")))
  }

  list(found) {
    return [h("header", {class: "of"}, found.pictures[0] ? picture(found.pictures[0]) : null, h("h2", {title: found.title}, found.title)),
      this.controls(found),
      h("ol", {class: "near", tabindex: "0", "aria-label": "nearest neighbours"}, found.items.map((item, place) => this.line(item, found.pictures[place + 1])))]
  }

  controls(found) {
    const metric = h("select", {"aria-label": "distance", "data-key": "near-metric", onchange: (event) => this.change(this.k, event.target.value)},
      found.metrics.map((name) => h("option", {value: name}, name)))
    metric.value = this.metric || found.metric
    return h("div", {class: "near-controls"},
      h("span", {class: "group"},
        button("−", () => this.change(this.k - fewerBy(this.k), this.metric), {class: "small", "aria-label": "fewer neighbours", "data-key": "fewer", disabled: this.k <= 1}),
        h("span", {class: "k", "aria-label": "number of neighbours"}, String(this.k)),
        button("+", () => this.change(this.k + moreBy(this.k), this.metric), {class: "small", "aria-label": "more neighbours", "data-key": "more", disabled: this.k >= 100})),
      metric,
      button("Select them", () => this.store.send({verb: "select_neighbours", row: found.row, mode: this.map.mode}),
        {class: "small", title: "Select the item and these neighbours, as the map's mode says", "data-key": "select-them"}))
  }

  line(item, bytes) {
    return h("li", {}, h("button", {type: "button", class: item.hidden ? "near-item hidden" : "near-item", "data-row": item.row, onclick: () => this.go(item),
      title: item.hidden ? "hidden by the legend or a filter" : item.title},
    bytes ? picture(bytes) : null,
    h("span", {class: "grow"}, h("span", {class: "name"}, item.title), item.text ? h("span", {class: "words"}, item.text) : null),
    h("span", {class: "distance"}, item.hidden ? h("i", {}, "hidden ") : null, distanceText(item.distance))))
  }

  // Looks at a neighbour: its card, its own neighbours, and the map moved so that it is in view.
  go(item) {
    this.store.send({verb: "item", row: item.row})
    if (item.x === null) return
    const {camera} = this.map
    const [px, py] = camera.toPixel(item.x, item.y)
    const edge = Math.min(60, camera.width / 4, camera.height / 4)
    if (px > edge && py > edge && px < camera.width - edge && py < camera.height - edge) return
    Object.assign(camera, {x: item.x, y: item.y})
    this.map.look()
  }

  paint(context, camera, {ink, paper}) {
    const [found, item] = [this.store.get("neighbours"), this.store.get("item")]
    if (!found?.items || !item || item.row !== found.row || item.x === undefined || !this.map.frame) return
    const [px, py] = camera.toPixel(item.x, item.y)
    for (const [color, width, opacity] of [[paper, 3, 0.7], [ink, 1, 0.6]]) {
      context.strokeStyle = color
      context.lineWidth = width
      context.globalAlpha = opacity
      context.beginPath()
      for (const {x, y, hidden} of found.items) {
        if (x === null || hidden) continue
        context.moveTo(px, py)
        context.lineTo(...camera.toPixel(x, y))
      }
      context.stroke()
    }
    context.globalAlpha = 1
    this.map.canvas.dataset.lines = found.items.filter(({x, hidden}) => x !== null && !hidden).length
  }

  showGrowing() {
    const growing = this.store.get("growing")
    this.growing.hidden = !growing
    if (!growing) return fill(this.growing)
    fill(this.growing, h("span", {}, `Finding the neighbours of ${number(growing.of)} items`), h("progress", {max: 1, value: growing.fraction}),
      button("Stop", () => this.store.send({verb: "grow_stop"}), {class: "small"}))
  }
}

const moreBy = (k) => (k < 20 ? 1 : 10)
const fewerBy = (k) => (k <= 20 ? 1 : 10)
const distanceText = (distance) => (distance && (distance < 0.001 || distance >= 1e5) ? distance.toExponential(1) : distance < 100 ? distance.toFixed(3) : distance.toFixed(0))
