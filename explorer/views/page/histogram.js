// Bars of a column along an axis: drag over them for a range, drag an end to change it, click to take it away.

// What a full bar stands for: the largest of all; where few are shown, of those, so that they can be read (the others are cut off).
function fullBar(all, shown) {
  const [most, some] = [Math.max(1, ...all), Math.max(0, ...shown)]
  return some && some * 4 < most ? some * 1.5 : most
}

const GRIP = 6 // pixels beside an end of the range that drag it

class Histogram {
  constructor(onRange, chosen, {height = 44} = {}) { // onRange(low, high) gives the message's turn; null for an open end, both null for no range
    this.chosen = chosen
    this.onRange = onRange
    this.canvas = h("canvas", {class: "bars", "data-key": "bars", tabindex: "0", role: "slider", "aria-valuemin": "0", style: {height: `${height}px`}})
    this.low = h("span")
    this.word = h("span", {class: "word"})
    this.high = h("span")
    this.el = h("div", {class: "histogram"}, this.canvas, h("div", {class: "ends"}, this.low, this.word, this.high))
    this.listen()
    new ResizeObserver(() => this.paint()).observe(this.canvas)
  }

  show(facet) {
    this.facet = facet
    if (!this.drag) this.place = this.chosen.or(facet.place)
    this.canvas.setAttribute("aria-label", `${facet.name}: range`)
    this.canvas.title = "Drag for a range · ← → move its upper end, Shift + ← → its lower end, Del takes it away"
    this.canvas.setAttribute("aria-valuemax", String(facet.all.length))
    this.say(null)
    this.paint()
  }

  listen() {
    const canvas = this.canvas
    canvas.addEventListener("pointerdown", (event) => this.onDown(event))
    canvas.addEventListener("pointermove", (event) => this.onMove(event))
    canvas.addEventListener("pointerup", () => this.onUp())
    canvas.addEventListener("lostpointercapture", () => { if (this.drag) this.onUp() })
    canvas.addEventListener("pointerleave", () => this.say(null))
    canvas.addEventListener("keydown", (event) => this.onKey(event))
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect()
    const share = (event.clientX - box.left) / Math.max(1, box.width)
    return Math.max(0, Math.min(1, share)) * this.facet.all.length
  }

  onDown(event) {
    if (event.button || !this.facet?.all.length) return
    this.canvas.setPointerCapture(event.pointerId)
    const at = this.at(event)
    const grip = (GRIP * this.facet.all.length) / this.canvas.clientWidth
    const near = (this.place || []).findIndex((end) => Math.abs(end - at) < grip)
    this.drag = {from: near < 0 ? at : this.place[1 - near], x: event.clientX, moved: false, at}
  }

  onMove(event) {
    if (!this.facet?.all.length) return
    const at = this.at(event)
    const drag = this.drag
    if (!drag) return this.say(Math.min(this.facet.all.length - 1, Math.floor(at)))
    if (!drag.moved && Math.abs(event.clientX - drag.x) < 4) return
    drag.moved = true
    const [low, high] = [Math.floor(Math.min(drag.from, at) + 1e-6), Math.ceil(Math.max(drag.from, at) - 1e-6)]
    this.place = [low, Math.max(low + 1, high)]
    this.say(null)
    this.paint()
    if (this.facet.live && !this.timer) this.timer = setTimeout(() => { this.timer = null; if (this.drag) this.send() }, 120)
  }

  onUp() {
    const drag = this.drag
    this.drag = null
    if (!drag) return
    if (drag.moved) return this.send()
    const bar = Math.min(this.facet.all.length - 1, Math.floor(drag.at))
    this.place = this.place || this.facet.filtered ? null : [bar, bar + 1]
    this.send()
  }

  onKey(event) {
    const count = this.facet?.all.length || 0
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key]
    if (step) {
      let [low, high] = this.place || [0, count]
      if (event.shiftKey) low = Math.max(0, Math.min(high - 1, Math.round(low) + step))
      else high = Math.min(count, Math.max(low + 1, Math.round(high) + step))
      this.place = [low, high]
      this.paint()
    } else if (["Delete", "Backspace"].includes(event.key)) this.place = null
    else return
    event.preventDefault()
    event.stopPropagation()
    this.send()
  }

  send() {
    const {edges, all} = this.facet
    const [low, high] = this.place || [0, all.length]
    this.chosen.take(this.place, this.onRange(low <= 0 ? null : edges[Math.round(low)], high >= all.length ? null : edges[Math.round(high)]))
  }

  // A bar in words, or what the axis spans; a range takes the axis' place.
  say(bar) {
    const {texts, all, shown, selected} = this.facet
    const [low, high] = this.place ? this.place.map(Math.round) : [0, all.length]
    this.low.textContent = texts[low]
    this.high.textContent = low < high - 1 || this.upper(high) !== texts[low] ? this.upper(high) : ""
    for (const el of [this.low, this.high]) el.classList.toggle("set", Boolean(this.place))
    this.word.textContent = bar === null ? "" : `${this.label(bar)}: ${selected[bar] ? `${number(selected[bar])} of ` : shown[bar] !== all[bar] ? `${number(shown[bar])} of ` : ""}${number(all[bar])}`
    this.el.classList.toggle("telling", bar !== null)
    this.canvas.setAttribute("aria-valuenow", String(high))
    this.canvas.setAttribute("aria-valuetext", this.place ? `${texts[low]} to ${this.upper(high)}` : "everything")
  }

  upper(edge) { // of whole numbers the last one that is meant
    const {texts, edges, whole, dates} = this.facet
    return whole && !dates && !texts[edge].startsWith("≥") ? short(edges[edge] - 1) : texts[edge]
  }

  label(bar) {
    const {texts} = this.facet
    if (texts[bar].startsWith("≤")) return texts[bar]
    if (texts[bar + 1].startsWith("≥")) return texts[bar + 1]
    const upper = this.upper(bar + 1)
    return upper === texts[bar] ? upper : `${texts[bar]} – ${upper}`
  }

  paint() {
    const {clientWidth: width, clientHeight: height} = this.canvas
    if (!width || !this.facet) return
    const ratio = Math.min(2, window.devicePixelRatio || 1)
    Object.assign(this.canvas, {width: Math.round(width * ratio), height: Math.round(height * ratio)})
    const context = this.canvas.getContext("2d")
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    const style = getComputedStyle(this.el)
    const [line, muted, accent, ink] = ["--line", "--muted", "--accent", "--ink"].map((name) => style.getPropertyValue(name).trim())
    const {all, shown, selected, colors} = this.facet
    const foot = colors ? height - 7 : height - 1
    const step = width / all.length
    const top = fullBar(all, shown)
    const some = selected.some(Boolean)
    const layer = (counts, color, alpha) => counts.forEach((count, bar) => {
      if (!count) return
      const tall = Math.max(1.5, Math.min(1, count / top) * (foot - 3))
      context.globalAlpha = alpha
      context.fillStyle = typeof color === "string" ? color : color[bar]
      context.fillRect(bar * step, foot - tall, Math.max(1, step - 1), tall)
    })
    context.fillStyle = line
    context.fillRect(0, foot, width, 1)
    layer(all, line, 1)
    layer(shown, colors || muted, colors ? 1 : some ? 0.35 : 0.6)
    layer(selected, accent, 1)
    context.globalAlpha = 1
    if (colors) colors.forEach((color, bar) => { context.fillStyle = color; context.fillRect(bar * step, height - 5, step + 0.5, 5) })
    if (this.place) this.paintRange(context, this.place.map((end) => end * step), foot, ink)
  }

  paintRange(context, [low, high], foot, ink) {
    context.fillStyle = ink
    context.globalAlpha = 0.07
    context.fillRect(low, 0, high - low, foot)
    context.globalAlpha = 1
    for (const [end, inward] of [[low, 0], [high, -1.5]]) context.fillRect(end + inward, 0, 1.5, foot)
  }
}
