// Lines around the densest half and nine tenths of what was chosen by its name, or is pointed at in the legend.

class Contours {
  constructor(store, map) {
    this.store = store
    map.layers.push(this)
    store.on("contours pointed", () => map.draw())
  }

  // Listens to the legend wherever it stands on the page.
  follow(root) {
    const entry = (event) => event.target.closest?.(".legend [data-key^='solo-']")?.getAttribute("data-key").slice(5) ?? null
    root.addEventListener("pointerover", (event) => this.point(entry(event)))
    root.addEventListener("pointerleave", () => this.point(null))
    root.addEventListener("focusin", (event) => { if (root.classList.contains("keyboard")) this.point(entry(event)) })
    return this
  }

  point(name) {
    if (name === this.wanted) return
    this.wanted = name
    clearTimeout(this.timer)
    this.timer = setTimeout(() => {
      if (this.wanted === (this.asked ?? null)) return
      this.asked = this.wanted
      this.store.send({verb: "point", name: this.wanted})
    }, 120) // a pointer on its way passes many entries
  }

  paint(context, camera, {ink, paper}) {
    for (const what of ["contours", "pointed"]) {
      const found = this.store.get(what)
      for (const {share, lines} of found?.rings || []) this.trace(context, camera, lines, {color: found.color || ink, paper, outer: share > 0.5})
    }
  }

  trace(context, camera, lines, {color, paper, outer}) {
    context.beginPath()
    for (const line of lines) {
      line.forEach(([x, y], place) => {
        const [px, py] = camera.toPixel(x, y)
        if (place) context.lineTo(px, py)
        else context.moveTo(px, py)
      })
      context.closePath()
    }
    context.lineJoin = "round"
    for (const [stroke, width, alpha] of [[paper, 4, 0.7], [color, outer ? 1.25 : 1.75, outer ? 0.75 : 1]]) {
      Object.assign(context, {strokeStyle: stroke, lineWidth: width, globalAlpha: alpha})
      context.setLineDash(outer && stroke === color ? [5, 3] : [])
      context.stroke()
    }
    context.globalAlpha = 1
    context.setLineDash([])
  }
}
