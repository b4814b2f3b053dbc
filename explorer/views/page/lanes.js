// Lanes: two groups of curves, each as its mean over the band that most lie in, and examples as thin lines; a lane a channel.

const LANE = {one: 110, few: 74, many: 52} // pixels of height, by how many there are
const WIDE = 0.15 // of the width: what the text of a tick takes; ticks that would run into the one before are left out
const REACH = 9 // pixels between the pointer and the line that it points at

class Lanes {
  constructor(onPick) { // onPick(row): an example was clicked
    this.onPick = onPick
    this.at = null // the place of the example that is pointed at
    this.showing = true
    this.lanes = h("div", {class: "lanes"})
    this.ticks = h("div", {class: "ticks", "aria-hidden": "true"})
    this.names = h("ul", {class: "examples"})
    this.el = h("div", {}, this.lanes, this.ticks, this.names)
    new ResizeObserver(() => this.paint()).observe(this.lanes)
  }

  show(told) {
    this.told = told
    this.at = null
    const height = told.lanes.length < 2 ? LANE.one : told.lanes.length < 4 ? LANE.few : LANE.many
    fill(this.lanes, told.lanes.map((lane) => h("figure", {},
      h("figcaption", {}, h("span", {class: "name", title: lane.name}, lane.name), h("span", {class: "muted"}, lane.bounds ? lane.bounds.join(" to ").replaceAll("-", "−") : "no values")),
      this.canvas(lane, height))))
    fill(this.ticks, withRoom(told.ticks).map(([place, text]) => h("span", {style: {left: `${100 * place}%`}, class: atEnd(place)}, text)), told.ticks.length < 4 ? h("span", {style: {left: "50%"}}, told.axis) : null)
    fill(this.names, told.examples.length ? h("li", {class: "muted small"}, "examples:") : null, told.examples.map(({row, title}, place) => h("li", {}, h("button", {type: "button", class: "quiet small", title: `${title}: open it`, onclick: () => this.onPick(row),
      onpointerenter: () => this.point(place), onpointerleave: () => this.point(null), onfocus: () => this.point(place), onblur: () => this.point(null)}, title))))
    this.paint()
  }

  // Shows the examples, or leaves them out.
  toggle(showing) {
    this.showing = showing
    this.names.hidden = !showing
    this.paint()
  }

  canvas(lane, height) {
    const canvas = h("canvas", {style: {height: `${height}px`}, role: "img", "aria-label": `${lane.name || "the values"}: selected against the others`,
      onpointermove: (event) => this.point(this.nearest(canvas, lane, event)), onpointerleave: () => this.point(null),
      onclick: () => { if (this.at !== null) this.onPick(this.told.examples[this.at].row) }})
    return canvas
  }

  nearest(canvas, lane, event) {
    if (!this.showing) return null
    const box = canvas.getBoundingClientRect()
    const share = (event.clientX - box.left) / Math.max(1, box.width)
    let best = null
    lane.lines.forEach((line, place) => {
      const value = line[Math.round(share * (line.length - 1))]
      if (value === null || value === undefined) return
      const far = Math.abs((1 - value) * box.height - (event.clientY - box.top))
      if (far < REACH && (!best || far < best.far)) best = {place, far}
    })
    return best && best.place
  }

  point(place) {
    if (place === this.at) return
    this.at = place
    const titles = [...this.names.querySelectorAll("button")]
    titles.forEach((el, other) => el.classList.toggle("on", other === place))
    for (const canvas of this.lanes.querySelectorAll("canvas")) {
      canvas.style.cursor = place === null ? "" : "pointer"
      canvas.title = place === null ? "" : this.told.examples[place].title
    }
    this.paint()
  }

  paint() {
    if (!this.told || !this.lanes.clientWidth) return
    const style = getComputedStyle(this.el)
    const [muted, accent, ink] = ["--muted", "--accent", "--ink"].map((name) => style.getPropertyValue(name).trim())
    const canvases = this.lanes.querySelectorAll("canvas")
    this.told.lanes.forEach((lane, place) => this.paintLane(canvases[place], lane, {muted, accent, ink}))
  }

  paintLane(canvas, lane, {muted, accent, ink}) {
    const [width, height, ratio] = [canvas.clientWidth, canvas.clientHeight, window.devicePixelRatio || 1]
    Object.assign(canvas, {width: Math.round(width * ratio), height: Math.round(height * ratio)})
    const context = canvas.getContext("2d")
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    const draw = (color, alpha, thick, values) => {
      Object.assign(context, {strokeStyle: color, globalAlpha: alpha, lineWidth: thick, lineJoin: "round"})
      context.stroke(curve(values, width, height))
    }
    for (const [side, color] of [[lane.rest, muted], [lane.selected, accent]]) {
      if (!side) continue
      Object.assign(context, {fillStyle: color, globalAlpha: 0.2})
      context.fill(bandOf(side, width, height))
    }
    if (this.showing) lane.lines.forEach((line, place) => { if (place !== this.at) draw(ink, this.at === null ? 0.4 : 0.2, 0.8, line) })
    if (lane.rest) draw(muted, 1, 1.5, lane.rest.mean)
    if (lane.selected) draw(accent, 1, 2, lane.selected.mean)
    if (this.showing && this.at !== null && lane.lines[this.at]) draw(ink, 1, 1.5, lane.lines[this.at])
    context.globalAlpha = 1
  }
}

const acrossOf = (values, width) => (place) => (values.length > 1 ? (place / (values.length - 1)) * width : width / 2)

// A line through the values that there are; one alone is a short stroke.
function curve(values, width, height) {
  const [path, across] = [new Path2D(), acrossOf(values, width)]
  values.forEach((value, place) => {
    if (value === null) return
    const [x, y] = [across(place), (1 - value) * height]
    if ((values[place - 1] ?? null) === null) {
      path.moveTo(x - ((values[place + 1] ?? null) === null ? 2 : 0), y)
      path.lineTo(x + ((values[place + 1] ?? null) === null ? 2 : 0), y)
    } else path.lineTo(x, y)
  })
  return path
}

// The area between low and high, in pieces where there are no values.
function bandOf({low, high}, width, height) {
  const [path, across] = [new Path2D(), acrossOf(low, width)]
  let run = []
  for (let place = 0; place <= low.length; place++) {
    if (place < low.length && low[place] !== null) { run.push(place); continue }
    if (run.length) {
      run.forEach((one, order) => path[order ? "lineTo" : "moveTo"](across(one), (1 - high[one]) * height))
      run.reverse().forEach((one) => path.lineTo(across(one), (1 - low[one]) * height))
      path.closePath()
    }
    run = []
  }
  return path
}

// Which end of the axis a tick's text is pushed away from, so that it stays on the page.
function atEnd(place) {
  return place < 0.06 ? "first" : place > 0.94 ? "last" : ""
}

// The ticks whose texts do not run into each other.
function withRoom(ticks) {
  let end = 0
  return ticks.filter(([place]) => {
    const left = {first: 0, last: 1 - WIDE}[atEnd(place)] ?? place - WIDE / 2
    if (left < end - 1e-9) return false
    end = left + WIDE
    return true
  })
}
