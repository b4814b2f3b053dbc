// The map by keys alone: a cross in the middle while the map has the keyboard's focus, Enter for what is there, and a box that grows from it.

const GROWTH = 24 // pixels that a press of a key adds to the box on either side
const ARM = 9 // pixels of the cross on either side

class Crosshair {
  constructor(store, map) {
    this.store = store
    this.map = map
    this.box = null // half its width and height in pixels
    this.isOn = false
    map.layers.push(this)
    map.canvas.addEventListener("focus", () => { if (this.byKeys) this.show() })
    map.canvas.addEventListener("blur", () => this.hide())
    map.canvas.addEventListener("pointerdown", () => this.hide())
    map.canvas.addEventListener("keydown", (event) => this.onKey(event))
    store.on("hover", ({hover}) => { if (this.isOn && hover) store.set({spoken: hover.title}) })
  }

  get byKeys() { return this.map.el.closest(".explorer")?.classList.contains("keyboard") }

  get middle() { return [this.map.camera.width / 2, this.map.camera.height / 2] }

  show() {
    this.isOn = true
    this.map.draw()
  }

  hide() {
    if (!this.isOn) return
    this.isOn = false
    this.box = null
    clearTimeout(this.timer)
    this.map.clearHover()
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey) return
    if (event.key === "Enter") this.enter(event)
    else if (event.key === "Escape" && this.box) this.grow(null)
    else if (event.shiftKey && event.key.startsWith("Arrow")) this.grow(event.key)
    else {
      if (event.key.startsWith("Arrow")) this.show()
      return
    }
    event.preventDefault()
    event.stopPropagation()
  }

  // Right and up make the box wider and taller, left and down narrower and lower.
  grow(key) {
    this.show()
    const [across, up] = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[key] || [0, 0]
    const [width, height] = this.middle
    const sized = (now, by, most) => Math.max(GROWTH / 2, Math.min(most - 2, now + by * GROWTH))
    const [x, y] = this.box || [GROWTH, GROWTH]
    this.box = key ? [sized(x, this.box ? across : 0, width), sized(y, this.box ? up : 0, height)] : null
    this.store.set({spoken: this.box ? `box of ${Math.round(2 * this.box[0])} by ${Math.round(2 * this.box[1])} pixels, Enter selects what is in it` : "no box"})
    this.map.draw()
  }

  enter(event) {
    if (!this.store.get("map")?.bounds) return
    this.show()
    const mode = this.map.tools.modeOf(event)
    const [[px, py], camera] = [this.middle, this.map.camera]
    if (this.box) {
      const [[x0, y0], [x1, y1]] = [camera.placed(px - this.box[0], py + this.box[1]), camera.placed(px + this.box[0], py - this.box[1])]
      this.box = null
      this.store.send({verb: "select", rule: {rule: "box", x0, y0, x1, y1}, mode})
    } else if (this.map.painting) {
      this.store.send({verb: "select", rule: {rule: "brush", points: [camera.placed(px, py)], radius: this.map.tools.radius * camera.scale}, mode})
    } else this.store.send({verb: "pick", ...this.map.aim(px, py, Math.hypot(camera.width, camera.height)), mode})
    this.map.draw()
  }

  // What is in the middle is said, as if it were pointed at, as soon as the map stands still.
  look(camera) {
    const viewport = String(camera.viewport)
    if (viewport === this.seen) return
    this.seen = viewport
    clearTimeout(this.timer)
    this.timer = setTimeout(() => { if (this.isOn) this.map.askHover(this.middle) }, 250)
  }

  paint(context, camera, {ink, paper, accent}) {
    if (!this.isOn) { this.seen = null; return }
    this.look(camera)
    const [px, py] = this.middle
    for (const [color, width] of [[paper, 4], [ink, 1.75]]) {
      context.beginPath()
      for (const [x, y] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(px + 3 * x, py + 3 * y)
        context.lineTo(px + ARM * x, py + ARM * y)
      }
      Object.assign(context, {strokeStyle: color, lineWidth: width})
      context.stroke()
    }
    if (!this.box) return
    const [halfX, halfY] = this.box
    Object.assign(context, {strokeStyle: accent, fillStyle: accent, lineWidth: 1.5, globalAlpha: 0.08})
    context.fillRect(px - halfX, py - halfY, 2 * halfX, 2 * halfY)
    context.globalAlpha = 1
    context.strokeRect(px - halfX, py - halfY, 2 * halfX, 2 * halfY)
  }
}
