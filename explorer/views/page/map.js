// The map: shows the server's pictures of every point, stretched until the next one comes, and turns drags into rules.

const ROOM = 1.12 // of a map that moves: so much more than it is in sight, so that the camera need not follow every picture
const GLIDE = 350 // milliseconds in which the camera follows

class MapView {
  constructor(store) {
    this.store = store
    this.camera = new Camera()
    this.names = new Names()
    this.outline = document.createElement("canvas") // where painted strokes become one outline
    this.inside = document.createElement("canvas") // and what is in it
    this.drag = null
    this.frame = null
    this.newest = new Newest()
    this.hovered = null
    this.waiting = false
    this.moved = false
    this.fitted = null
    this.sequence = 0
    this.layers = [] // what else is drawn over the picture: objects with paint(context, camera, {ink, paper, accent})
    this.build()
    store.on("map", () => this.onMap())
    store.on("names given selection item", () => this.draw())
    store.on("map selection", () => this.say())
    const scale = this.scale = new Chosen(store, "color")
    store.on("color", ({color}) => {
      fill(this.scaling, color.scalings.map((name) => h("option", {value: name}, `by ${{log: "log", linear: "count", equal: "rank"}[name] || name}`)))
      this.scaling.value = scale.or(color.scaling)
    })
    store.on("hover", () => this.onHover())
    store.on("camera", ({camera}) => this.goTo(camera))
    store.on("fit", () => this.fit())
  }

  // Where Python, a link or the last visit says. The page that was told says so: what it shows then is no wish of its own.
  goTo([x0, x1, y0, y1]) {
    this.told = true
    this.goal = this.camera.width < 2 ? [x0, x1, y0, y1] : null // a cell that is not shown yet has no size
    if (this.goal) return
    this.gliding = null
    Object.assign(this.camera, {x: (x0 + x1) / 2, y: (y0 + y1) / 2, scale: Math.max((x1 - x0) / this.camera.width, (y1 - y0) / this.camera.height)})
    this.moved = true
    this.look()
  }

  build() {
    this.canvas = h("canvas", {tabindex: "0", role: "img", "aria-label": "map", class: "map-canvas"})
    this.tip = h("div", {class: "tip", role: "tooltip", hidden: true})
    this.empty = h("div", {class: "map-empty"})
    this.sentence = h("span", {class: "sentence"})
    this.without = button("", () => this.store.send({verb: "select_without"}), {class: "quiet small without", hidden: true, title: "Select them: their cards say why they are not on the map"})
    this.tools = new Tools(this.store, this)
    this.settling = h("div", {class: "settling", hidden: true}, this.settlingText = h("span", {}),
      this.settlingStop = button("Stop and keep", () => this.store.send({verb: "stop", kind: "reduce"}), {class: "small", title: "End here and keep the layout as it is now", "data-key": "settling-stop"}))
    this.area = h("div", {class: "map-area"}, this.canvas, this.empty, this.settling, this.tools.brush, this.tools.zoom, this.tip)
    this.pixel = h("span", {class: "muted pixel", title: "The fullest pixel of this picture holds so many items"})
    this.scaling = h("select", {class: "method", "aria-label": "scale of density", hidden: true, title: "How opacity grows with the items of a pixel",
      onchange: ({target: {value}}) => this.scale.take(value, this.store.send({verb: "density_scale", to: value}))})
    this.foot = h("div", {class: "map-foot"}, h("span", {}, this.sentence, this.without), this.hint = h("span", {class: "muted hint"}, this.pixel, this.scaling, h("kbd", {}, "?"), " keys"))
    this.el = h("section", {class: "card map", "aria-label": "map"}, this.tools.el, this.areas = h("div", {class: "map-areas"}, this.area), this.foot)
    this.listen()
    new ResizeObserver(() => this.resize()).observe(this.area)
  }

  get mode() { return this.tools.mode }

  get toolbar() { return this.tools.el }

  // Whether the pointer is a brush now.
  get painting() { return this.tools.tool === "paint" && !this.held && !this.moves }

  // Whether what is shown is no result: the map still moves, and one can look at it but not brush it.
  get moves() { return Boolean(this.store.get("map")?.settling) }

  // The tool is another one now, or the hand that moves the map is held or let go.
  onTool(held = false) {
    this.held = held
    this.onToolToo?.(held)
    this.canvas.classList.toggle("panning", held || this.moves || this.tools.tool === "pan")
    this.draw()
  }

  listen() {
    const canvas = this.canvas
    canvas.addEventListener("pointerdown", (event) => this.onDown(event))
    canvas.addEventListener("pointermove", (event) => this.onMove(event))
    canvas.addEventListener("pointerup", (event) => this.onUp(event))
    canvas.addEventListener("pointercancel", () => { this.drag = null; this.onTool() })
    canvas.addEventListener("pointerleave", () => this.clearHover())
    canvas.addEventListener("dblclick", (event) => { if (this.tools.tool !== "paint") this.onDouble(this.at(event)) }) // two dabs of a brush are two dabs
    canvas.addEventListener("wheel", (event) => this.onWheel(event), {passive: false})
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect() // which is larger or smaller where somebody's page is scaled
    const {width, height} = this.camera
    return [(event.clientX - box.left) * (width / box.width), (event.clientY - box.top) * (height / box.height)]
  }

  onWheel(event) {
    event.preventDefault()
    const [px, py] = this.at(event)
    this.camera.zoom(Math.exp(Math.max(-120, Math.min(120, event.deltaY)) * 0.0022), px, py)
    this.look()
    this.clearHover() // what was under the pointer has moved
    this.askHover([px, py])
  }

  onDown(event) {
    if (event.button > 1) return
    this.canvas.focus({preventScroll: true})
    this.canvas.setPointerCapture(event.pointerId)
    this.clearHover()
    const at = this.at(event)
    const tool = event.button === 1 || event.ctrlKey || event.metaKey || this.held || this.moves ? "pan" : this.tools.tool
    this.drag = {tool, mode: this.tools.modeOf(event), start: at, last: at, points: [at], radius: this.tools.radius}
    if (tool === "paint") this.draw()
  }

  onMove(event) {
    const at = this.at(event)
    if (!this.drag) {
      if (this.painting) this.draw()
      return this.askHover(at)
    }
    const drag = this.drag
    if (drag.tool === "pan") {
      this.camera.pan(at[0] - drag.last[0], at[1] - drag.last[1])
      drag.last = at
      drag.moved = drag.moved || Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) >= 4
      return this.look()
    }
    const previous = drag.points[drag.points.length - 1]
    const apart = drag.tool === "lasso" ? 3 : drag.tool === "paint" ? Math.max(2, drag.radius / 5) : Infinity
    if (Math.hypot(at[0] - previous[0], at[1] - previous[1]) > apart) drag.points.push(at)
    drag.last = at
    this.draw()
  }

  onUp(event) {
    const drag = this.drag
    this.drag = null
    if (!drag || this.moves) return
    const at = this.at(event)
    const clicked = !drag.moved && Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) < 4 && drag.points.length < 4
    if (drag.tool === "pan" && !(clicked && this.tools.tool === "pan" && event.button === 0)) return
    this.pointer = at
    if (clicked && drag.tool !== "paint") this.onClick(at, drag.mode)
    else this.release(drag, at)
    this.draw()
  }

  release(drag, at) {
    if (!this.store.get("map")?.bounds) return // there is nothing to draw a region on yet
    let rule
    if (drag.tool === "box") {
      const [x0, y0] = this.camera.placed(...drag.start)
      const [x1, y1] = this.camera.placed(...at)
      rule = {rule: "box", x0, y0, x1, y1}
    } else if (drag.tool === "paint") {
      const points = at[0] === drag.start[0] && at[1] === drag.start[1] && drag.points.length === 1 ? [at] : [...drag.points, at]
      rule = {rule: "brush", points: points.map((point) => this.camera.placed(...point)), radius: drag.radius * this.camera.scale}
    } else {
      if (drag.points.length < 3) return
      rule = {rule: "lasso", vertices: drag.points.map((point) => this.camera.placed(...point))}
    }
    this.store.send({verb: "select", rule, mode: drag.mode})
  }

  onDouble([px, py]) {
    const name = this.nameAt(px, py)
    if (name && this.onRename) this.onRename(name)
    else this.fit()
  }

  // The cluster's or category's name at a pixel.
  nameAt(px, py) {
    return (this.named || []).find(({box: [left, top, right, bottom]}) => px >= left && px <= right && py >= top && py <= bottom)
  }

  onClick([px, py], mode) {
    const name = this.nameAt(px, py)
    if (name) {
      const rule = name.category === undefined ? {rule: "cluster", cluster: name.cluster} : {rule: "label", category: name.category}
      return this.store.send({verb: "select", rule, mode})
    }
    this.store.send({verb: "pick", ...this.aim(px, py, 12), mode})
  }

  // What a pointer points at: the mark under it where a layer draws them larger than points, else what is within reach (pixels).
  aim(px, py, reach) {
    for (const layer of this.layers) {
      const place = layer.hit?.(px, py, this.camera)
      if (place) return {x: place[0], y: place[1], reach: this.camera.scale / 2}
    }
    const [x, y] = this.camera.toData(px, py)
    return {x, y, reach: reach * this.camera.scale}
  }

  askHover([px, py]) {
    const now = performance.now()
    this.pointer = [px, py]
    if (this.hoverTimer) return
    const wait = Math.max(0, 60 - (now - (this.hoverAsked || 0)))
    this.hoverTimer = setTimeout(() => {
      this.hoverTimer = null
      this.hoverAsked = performance.now()
      if (!this.pointer || this.drag || this.moves || !this.store.get("map")?.bounds) return
      this.store.send({verb: "hover", ...this.aim(...this.pointer, 14)})
    }, wait)
  }

  clearHover() {
    if (this.pointer && this.store.get("hover")) this.store.send({verb: "hover_off"})
    this.pointer = null
    this.hovered = null
    this.tip.hidden = true
    this.draw()
  }

  onHover() {
    const hovered = this.store.get("hover")
    this.hovered = this.pointer || hovered?.told ? hovered : null
    this.tip.hidden = !this.hovered
    if (this.hovered) this.showTip()
    this.draw()
  }

  showTip() {
    const item = this.hovered
    fill(this.tip,
      item.thumb ? picture(item.thumb) : null,
      h("div", {class: "tip-text"}, h("b", {}, item.title), item.text ? h("div", {}, item.text) : null, item.lines.map(([name, value]) =>
        h("div", {}, h("span", {class: "muted"}, `${name} `), short(value)))))
    const [px, py] = this.camera.toPixel(item.x, item.y)
    const [width, height] = [this.tip.offsetWidth, this.tip.offsetHeight]
    const gap = 14 + Math.max(0, ...this.layers.map((layer) => layer.radius || 0)) // beside a thumbnail, not on it
    this.tip.style.left = `${px + gap + width > this.camera.width ? Math.max(4, px - gap - width) : px + gap}px`
    this.tip.style.top = `${Math.max(4, Math.min(this.camera.height - height - 4, py - height / 2))}px`
  }

  resize() {
    const {clientWidth: width, clientHeight: height} = this.area
    if (!width || !height) return
    this.ratio = Math.min(2, window.devicePixelRatio || 1)
    Object.assign(this.canvas, {width: Math.round(width * this.ratio), height: Math.round(height * this.ratio)})
    Object.assign(this.canvas.style, {width: `${width}px`, height: `${height}px`}) // whole pixels: the picture is not stretched over a fraction
    Object.assign(this.camera, {width, height})
    const map = this.store.get("map")
    if (this.goal) return this.goTo(this.goal)
    if (map?.bounds && !this.moved) this.camera.fit(this.around(map.bounds), map.extent)
    this.look(false)
  }

  onMap() {
    const map = this.store.get("map")
    this.say()
    if (!map.bounds) {
      this.frame = null
      return this.draw()
    }
    if (this.settling.hidden === this.moves) this.onTool(this.held)
    this.settling.hidden = !this.moves
    this.settlingText.textContent = map.settling || ""
    this.settlingStop.hidden = !map.stops
    if (this.fitted === map.key) return map.settling ? this.follow(map) : this.look(false)
    const goesOn = map.follows && map.follows === this.fitted
    this.fitted = map.key
    if (goesOn) return this.follow(map)
    this.moved = false
    this.gliding = null
    this.stay()
    this.camera.fit(this.around(map.bounds), map.extent)
    this.look(false)
  }

  // The picture of another map stays where it is until there is one of this map.
  stay() {
    if (!this.frame || this.frame.at) return
    this.frame.at = this.placeOf(this.frame.viewport)
  }

  placeOf([x0, x1, y0, y1]) {
    const [left, top] = this.camera.toPixel(x0, y1)
    const [right, bottom] = this.camera.toPixel(x1, y0)
    return [left, top, right - left, bottom - top]
  }

  // Keeps a map in sight that moves, without a jump at every picture: only what grows out of sight or falls far together moves the
  // camera. Where a person has moved it, it stays.
  follow(map) {
    const goal = new Camera()
    Object.assign(goal, {width: this.camera.width, height: this.camera.height})
    goal.fit(map.bounds, map.extent)
    Object.assign(this.camera, {widest: goal.widest, finest: goal.finest})
    if (this.moved) return map.settling ? null : this.look(false)
    if (map.settling) {
      const [x0, x1, y0, y1] = (this.gliding?.goal || this.camera).viewport
      const [a, b, c, d] = map.bounds
      const inside = a >= x0 && b <= x1 && c >= y0 && d <= y1
      if (inside && goal.scale > 0.6 * (this.gliding?.goal || this.camera).scale) return
      goal.scale *= ROOM
    }
    this.glide(goal)
  }

  // All there is to see: another map that looks at the same place has its bounds, too.
  around([x0, x1, y0, y1]) {
    const [a, b, c, d] = this.also || [x0, x1, y0, y1]
    return [Math.min(x0, a), Math.max(x1, b), Math.min(y0, c), Math.max(y1, d)]
  }

  // Where another map looks.
  lookAt({x, y, scale}) {
    if (this.camera.x === x && this.camera.y === y && this.camera.scale === scale) return
    Object.assign(this.camera, {x, y, scale})
    this.look()
  }

  glide(goal) {
    const {x, y, scale} = this.camera
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden
    this.gliding = still ? null : {from: {x, y, scale}, goal, began: performance.now()}
    if (still) Object.assign(this.camera, {x: goal.x, y: goal.y, scale: goal.scale})
    this.look(false)
  }

  // The camera's next step on its way.
  advance() {
    if (!this.gliding) return
    const {from, goal, began} = this.gliding
    const share = Math.min(1, (performance.now() - began) / GLIDE)
    const eased = share * share * (3 - 2 * share)
    this.camera.x = from.x + (goal.x - from.x) * eased
    this.camera.y = from.y + (goal.y - from.y) * eased
    this.camera.scale = from.scale * (goal.scale / from.scale) ** eased
    if (share < 1) this.draw()
    else this.gliding = null
  }

  fit() {
    const map = this.store.get("map")
    if (!map?.bounds) return
    this.moved = false
    this.gliding = null
    this.camera.fit(this.around(map.bounds), map.extent)
    this.look(false)
  }

  zoomBy(factor) {
    this.camera.zoom(factor, this.camera.width / 2, this.camera.height / 2)
    this.look()
  }

  panBy(dx, dy) {
    this.camera.pan(-dx * this.camera.width * 0.15, -dy * this.camera.height * 0.15)
    this.look()
  }

  // Ask for the picture of what is looked at now. One request is under way at a time: of a burst only the last is drawn.
  look(moved = true) {
    if (moved) {
      this.moved = true
      this.gliding = null
    }
    this.draw()
    if (!this.store.get("map")?.bounds || this.camera.width < 2) return
    this.onCamera?.()
    this.wanted = true
    if (!this.waiting) this.ask()
  }

  ask() {
    this.wanted = false
    this.waiting = true
    this.sequence += 1
    const {width, height, viewport} = this.gliding?.goal || this.camera
    this.store.send({verb: "view", viewport, width, height, ratio: this.ratio || 1, sequence: this.sequence, told: Boolean(this.told)})
    this.told = false
    clearTimeout(this.patience)
    this.patience = setTimeout(() => { this.waiting = false }, 5000) // a lost answer must not end the asking
  }

  async onFrame(frame) {
    const {picture: bytes, viewport, sequence, seen, of} = frame
    const bitmap = await this.newest.decoded(bytes)
    if (!bitmap) return
    if (sequence >= this.sequence) {
      this.waiting = false
      clearTimeout(this.patience)
    }
    this.frame = {bitmap, viewport}
    this.seen = [seen, of]
    this.scaling.hidden = !frame.crowd
    const pixels = frame.densest > 1 ? `1 pixel ≤ ${number(frame.densest)} items` : "1 pixel = 1 item"
    this.pixel.textContent = seen ? pixels + (frame.crowd ? ", " : " · ") : ""
    this.store.set({frame}) // the picture's counts, and what the parts sent with it
    this.draw()
    this.say()
    this.canvas.dataset.sequence = sequence
    this.canvas.dataset.frames = Number(this.canvas.dataset.frames || 0) + 1
    if (this.wanted) this.ask()
  }

  say() {
    const selection = this.store.get("selection") || {count: 0}
    const map = this.store.get("map") || {}
    const [seen, of] = this.seen || [0, 0]
    const parts = map.bounds && this.seen ? [`${number(seen)} of ${number(of)} items drawn`, `${number(selection.count)} selected${selection.hidden ? ` (${number(selection.hidden)} hidden)` : ""}`] : []
    this.without.textContent = map.without ? `${number(map.without)} without a place` : ""
    this.without.hidden = !map.without || !parts.length
    this.sentence.textContent = parts.join(" · ")
    this.nothing(map, map.bounds && this.seen && !seen)
    this.canvas.setAttribute("aria-label", `${this.name || "map"}: ${parts.join(", ")}`)
  }

  // What stands in the middle while there is nothing to see: that no map is there yet, or that no item is where one looks.
  nothing({bounds, title, hint}, nowhere) {
    const said = !bounds ? [title, hint] : nowhere ? ["No items here", this.store.get("filters")?.length ? "F shows the whole map · filters hide items too" : "F shows the whole map"] : []
    if (said.join() === this.lacking) return
    this.lacking = said.join()
    fill(this.empty, said.length ? [h("b", {}, said[0]), !bounds && this.emptyNote ? this.emptyNote.el : h("div", {class: "muted"}, said[1])] : null)
  }

  draw() {
    if (this.drawing) return
    this.drawing = true
    requestAnimationFrame(() => { this.drawing = false; this.paint() })
  }

  paint() {
    this.advance()
    const context = this.canvas.getContext("2d")
    const style = getComputedStyle(this.area)
    const [ink, paper, accent] = ["--ink", "--paper", "--accent"].map((name) => style.getPropertyValue(name).trim())
    this.canvas.dataset.viewport = JSON.stringify(this.camera.viewport)
    context.setTransform(this.ratio || 1, 0, 0, this.ratio || 1, 0, 0)
    context.clearRect(0, 0, this.camera.width, this.camera.height)
    this.named = []
    if (this.frame?.at) return context.drawImage(this.frame.bitmap, ...this.frame.at)
    if (this.frame && !this.layers.some((layer) => layer.covers?.())) context.drawImage(this.frame.bitmap, ...this.placeOf(this.frame.viewport))
    if (this.moves) return this.layers.forEach((layer) => layer.moves && layer.paint(context, this.camera, {ink, paper, accent}))
    this.paintRegions(context, accent)
    for (const layer of this.layers) layer.paint(context, this.camera, {ink, paper, accent})
    this.named = this.names.paint(context, this.camera, [this.store.get("names"), this.store.get("given")], {ink, paper}, Math.max(0, ...this.layers.map((layer) => layer.lift || 0)))
    for (const item of [this.store.get("item"), this.hovered || (this.shares && this.store.get("hover"))]) if (item && item.x !== undefined) this.paintRing(context, item, {ink, paper, accent})
  }

  paintRegions(context, accent) {
    const regions = (this.store.get("selection")?.regions || []).map((points) => points.map((point) => this.camera.toPixel(...point)))
    if (this.drag?.tool === "lasso") regions.push(this.drag.points)
    if (this.drag?.tool === "box") {
      const [[x0, y0], [x1, y1]] = [this.drag.start, this.drag.last]
      regions.push([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    }
    this.paintStrokes(context, accent)
    context.strokeStyle = accent
    context.lineWidth = 1.5
    for (const points of regions) {
      context.beginPath()
      points.forEach(([px, py], place) => (place ? context.lineTo(px, py) : context.moveTo(px, py)))
      context.closePath()
      context.globalAlpha = 0.08
      context.fillStyle = accent
      context.fill("evenodd")
      context.globalAlpha = 1
      context.stroke()
    }
  }

  // What was painted, as one shape with one outline: drawn wide, emptied but for its edge, and tinted. What was painted away is cut out.
  paintStrokes(context, accent) {
    const pixels = (points) => points.map((point) => this.camera.toPixel(...point))
    const strokes = (this.store.get("selection")?.strokes || []).map(({points, radius, out}) => ({points: pixels(points), radius: radius / this.camera.scale, out}))
    const drag = this.drag?.tool === "paint" ? this.drag : null
    if (drag) strokes.push({points: [...drag.points, drag.last], radius: drag.radius, out: drag.mode === "subtract"})
    if (strokes.length) this.paintOutline(context, strokes, accent)
    const at = drag ? drag.last : this.painting && this.pointer
    if (!at) return
    context.beginPath()
    context.arc(at[0], at[1], drag ? drag.radius : this.tools.radius, 0, 2 * Math.PI)
    Object.assign(context, {strokeStyle: accent, lineWidth: 1.25})
    context.stroke()
  }

  paintOutline(context, strokes, accent) {
    const inverted = strokes.every(({out}) => out)
    const shape = (canvas, wider, narrower) => {
      const {width, height} = this.canvas
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height})
      const on = canvas.getContext("2d")
      on.setTransform(this.ratio || 1, 0, 0, this.ratio || 1, 0, 0)
      on.globalCompositeOperation = "source-over"
      on.clearRect(0, 0, this.camera.width, this.camera.height)
      Object.assign(on, {lineCap: "round", lineJoin: "round", strokeStyle: accent})
      for (const {points, radius, out} of strokes) {
        const away = out && !inverted
        on.globalCompositeOperation = away ? "destination-out" : "source-over"
        on.lineWidth = 2 * (radius + (away ? narrower : wider))
        on.beginPath()
        on.moveTo(...points[0])
        for (const point of points.length > 1 ? points : [points[0], points[0]]) on.lineTo(...point)
        on.stroke()
      }
      return on
    }
    const edge = shape(this.outline, 1.5, 0)
    shape(this.inside, 0, 1.5)
    edge.setTransform(1, 0, 0, 1, 0, 0)
    edge.globalCompositeOperation = "destination-out"
    edge.drawImage(this.inside, 0, 0)
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.drawImage(this.outline, 0, 0)
    context.globalAlpha = inverted ? 0 : 0.12
    context.drawImage(this.inside, 0, 0)
    context.globalAlpha = 1
    context.setTransform(this.ratio || 1, 0, 0, this.ratio || 1, 0, 0)
  }

  paintRing(context, item, colors) {
    if (this.layers.some((layer) => layer.ring?.(context, this.camera, item, colors))) return
    const {ink, paper} = colors
    const [px, py] = this.camera.toPixel(item.x, item.y)
    for (const [color, width] of [[paper, 4], [ink, 1.75]]) {
      context.beginPath()
      context.arc(px, py, 7, 0, 2 * Math.PI)
      context.strokeStyle = color
      context.lineWidth = width
      context.stroke()
    }
  }
}
