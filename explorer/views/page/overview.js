// The small picture of everything in the map's corner, there while a part is looked at; drag in it to move.

const OVERVIEW = 132 // pixels of its longer side

class Overview {
  constructor(store, map) {
    this.store = store
    this.map = map
    this.newest = new Newest()
    this.canvas = h("canvas", {class: "overview", hidden: true, role: "img", "aria-label": "overview of the whole map with the part that is shown"})
    this.canvas.title = "Drag to move the map"
    map.area.append(this.canvas)
    map.layers.push(this)
    for (const kind of ["pointerdown", "pointermove"]) this.canvas.addEventListener(kind, (event) => this.onPointer(event))
    store.on("map", () => this.end())
  }

  onPointer(event) {
    if (event.type === "pointermove" && !(event.buttons & 1)) return
    event.preventDefault()
    if (event.type === "pointerdown") this.canvas.setPointerCapture(event.pointerId)
    const box = this.canvas.getBoundingClientRect()
    const [x0, x1, y0, y1] = this.view
    const camera = this.map.camera
    camera.x = x0 + ((event.clientX - box.left) / box.width) * (x1 - x0)
    camera.y = y1 - ((event.clientY - box.top) / box.height) * (y1 - y0)
    this.map.look()
  }

  // Called whenever the map is painted.
  paint(_, camera, {ink, paper}) {
    const bounds = this.store.get("map")?.bounds
    const [x0, x1, y0, y1] = camera.viewport
    const apart = bounds && !this.map.moves && (bounds[0] < x0 || bounds[1] > x1 || bounds[2] < y0 || bounds[3] > y1)
    if (!apart) return this.end()
    if (this.canvas.hidden) this.begin(bounds)
    const context = this.canvas.getContext("2d")
    const [width, height] = [this.canvas.width, this.canvas.height]
    context.clearRect(0, 0, width, height)
    const across = (x) => ((x - this.view[0]) / (this.view[1] - this.view[0])) * width
    const down = (y) => ((this.view[3] - y) / (this.view[3] - this.view[2])) * height
    if (this.picture) {
      const [a, b, c, d] = this.picture.viewport
      context.drawImage(this.picture.bitmap, across(a), down(d), across(b) - across(a), down(c) - down(d))
    }
    const [left, top] = [across(x0), down(y1)]
    const [wide, high] = [Math.max(3, across(x1) - left), Math.max(3, down(y0) - top)]
    context.fillStyle = paper
    context.globalAlpha = 0.55
    context.beginPath()
    context.rect(0, 0, width, height)
    context.rect(left, top, wide, high)
    context.fill("evenodd")
    context.globalAlpha = 1
    context.strokeStyle = ink
    context.lineWidth = this.map.ratio
    context.strokeRect(left, top, wide, high)
  }

  begin([x0, x1, y0, y1]) {
    const margin = 0.06 * Math.max(x1 - x0, y1 - y0)
    const [wide, high] = [x1 - x0 + 2 * margin, y1 - y0 + 2 * margin]
    const scale = Math.max(wide, high) / OVERVIEW
    const [width, height] = [Math.max(56, Math.round(wide / scale)), Math.max(56, Math.round(high / scale))]
    const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2]
    this.view = [x - (width * scale) / 2, x + (width * scale) / 2, y - (height * scale) / 2, y + (height * scale) / 2]
    const ratio = this.map.ratio || 1
    Object.assign(this.canvas, {width: Math.round(width * ratio), height: Math.round(height * ratio)})
    Object.assign(this.canvas.style, {width: `${width}px`, height: `${height}px`})
    this.canvas.hidden = false
    this.picture = null
    this.sequence = (this.sequence || 0) + 1
    this.store.send({verb: "overview", request: {viewport: this.view, width, height, ratio, sequence: this.sequence}})
  }

  end() {
    if (this.canvas.hidden) return
    this.canvas.hidden = true
    this.store.send({verb: "overview", request: null})
  }

  async onOverview({picture: bytes, viewport, sequence}) {
    const bitmap = await this.newest.decoded(bytes)
    if (!bitmap || this.canvas.hidden || sequence !== this.sequence) return
    this.picture = {bitmap, viewport} // which may be of a little more than was asked for
    this.canvas.dataset.pictures = Number(this.canvas.dataset.pictures || 0) + 1
    this.map.draw()
  }
}
