// Names on the map: given ones first, then larger groups first, none over another, more of them as one zooms in.

const NAME_HEIGHT = 18 // pixels that a line of text takes
const DOT = 11 // pixels before a category's name, for its colour

class Names {
  constructor() {
    this.widths = new Map()
    this.moved = new Map() // where a name stands whose own place is not looked at
    this.known = []
  }

  // `lift` is by how many pixels names stand above their places, so that they hide no large mark there.
  paint(context, camera, [clusters, given], {ink, paper}, lift = 0) {
    this.lift = lift
    context.font = "600 12px Inter, -apple-system, \"Segoe UI\", Roboto, \"Noto Sans\", \"Liberation Sans\", system-ui, sans-serif"
    context.textAlign = "left"
    context.textBaseline = "middle"
    context.lineJoin = "round"
    this.list(clusters || [], given || [])
    const taken = this.stand(this.withRoom(context, camera.scale), camera)
    for (const one of taken) this.write(context, one, ink, paper)
    return taken
  }

  list(clusters, given) {
    if (this.known[0] === clusters && this.known[1] === given) return
    this.known = [clusters, given]
    const bySize = (names) => [...names].sort((one, other) => other.size - one.size)
    this.names = [...bySize(given), ...bySize(clusters)] // what a person named is not hidden by what we guess
    this.moved.clear()
    this.scale = null
  }

  // Which names have room at this scale, whatever part of the map is looked at: moving the map never changes it.
  withRoom(context, scale) {
    if (this.scale === scale) return this.room
    this.scale = scale
    this.room = []
    const taken = []
    for (const name of this.names) {
      const box = this.box(context, name, name.x / scale, -name.y / scale)
      if (taken.some((other) => overlap(box, other))) continue
      taken.push(box)
      this.room.push(name)
    }
    return this.room
  }

  // First those whose own place is in view, then the others on a part of theirs that is.
  stand(names, camera) {
    const taken = []
    const at = (name, [x, y]) => {
      const [px, py] = camera.toPixel(x, y)
      const box = this.box(null, name, px, py - this.lift)
      return box[0] < 2 || box[2] > camera.width - 2 || box[1] < 2 || box[3] > camera.height - 2 ? null : {...name, box}
    }
    const rest = names.filter((name) => {
      const own = at(name, [name.x, name.y])
      if (own) { taken.push(own); this.moved.delete(name) }
      return !own
    })
    const free = (one) => one && !taken.some((other) => overlap(one.box, other.box))
    for (const name of rest) {
      const before = this.moved.get(name)
      const place = [before, ...(name.more || [])].find((one) => one && free(at(name, one)))
      if (!place) { this.moved.delete(name); continue }
      this.moved.set(name, place) // it stays there as long as it can, so that it does not jump about
      taken.push(at(name, place))
    }
    return taken
  }

  box(context, name, px, py) {
    if (!this.widths.has(name.text)) this.widths.set(name.text, context.measureText(name.text).width)
    const half = (this.widths.get(name.text) + (name.color ? DOT : 0)) / 2 + 4
    return [px - half, py - NAME_HEIGHT / 2, px + half, py + NAME_HEIGHT / 2]
  }

  write(context, {text, color, box}, ink, paper) {
    const [left, middle] = [box[0] + 4 + (color ? DOT : 0), (box[1] + box[3]) / 2]
    context.strokeStyle = paper
    context.lineWidth = 4
    context.strokeText(text, left, middle)
    context.fillStyle = ink
    context.fillText(text, left, middle)
    if (!color) return
    context.beginPath()
    context.arc(box[0] + 7, middle, 4, 0, 2 * Math.PI)
    context.lineWidth = 3
    context.stroke()
    context.fillStyle = color
    context.fill()
  }
}

function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}
