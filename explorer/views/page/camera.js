// Where the map looks: a centre and a scale, the same for both axes, in the layout's own units.

class Camera {
  constructor() {
    this.x = 0
    this.y = 0
    this.scale = 0.01 // units a pixel
    this.width = 1
    this.height = 1
  }

  // `extent` is where the farthest point is: it can be reached by zooming out, even where `bounds` leave it aside.
  fit([x0, x1, y0, y1], extent = 0) {
    this.x = (x0 + x1) / 2
    this.y = (y0 + y1) / 2
    const usable = (length) => Math.max(50, length - 2 * Math.min(48, length * 0.08))
    this.scale = Math.max((x1 - x0) / usable(this.width), (y1 - y0) / usable(this.height)) || 0.01
    this.widest = Math.max(this.scale * 50, (2.5 * extent) / Math.max(50, Math.min(this.width, this.height)))
    this.finest = this.scale / 1e6
  }

  toData(px, py) {
    return [this.x + (px - this.width / 2) * this.scale, this.y - (py - this.height / 2) * this.scale]
  }

  // As toData, with no more digits than a hundredth of a pixel has: what is kept of a region should not be all digits.
  placed(px, py) {
    const digits = Math.min(20, Math.max(0, 2 - Math.floor(Math.log10(this.scale))))
    return this.toData(px, py).map((value) => Number(value.toFixed(digits)))
  }

  toPixel(x, y) {
    return [(x - this.x) / this.scale + this.width / 2, (this.y - y) / this.scale + this.height / 2]
  }

  zoom(factor, px, py) {
    const [x, y] = this.toData(px, py)
    this.scale = Math.min(this.widest || Infinity, Math.max(this.finest || 0, this.scale * factor))
    this.x = x - (px - this.width / 2) * this.scale
    this.y = y + (py - this.height / 2) * this.scale
  }

  pan(dx, dy) {
    this.x -= dx * this.scale
    this.y += dy * this.scale
  }

  get viewport() {
    const [halfX, halfY] = [(this.width / 2) * this.scale, (this.height / 2) * this.scale]
    return [this.x - halfX, this.x + halfX, this.y - halfY, this.y + halfY]
  }
}
