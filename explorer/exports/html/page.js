"use strict"
// The map in one file: every point on a canvas, a legend, names, hover and search. All text goes in as text nodes, so data is never markup.

const OPACITY = 0.62 // of one disc; where discs overlap it grows towards 1
const DIM = 0.3 // what is left of the others while something is searched for
const DEEPEST = 400 // times that one can zoom in; beyond, points would stand on the steps of their positions
const REACH = 12 // pixels from the pointer within which an item is the one meant
const SLOW = 30 // milliseconds that drawing may take while the map is moved
const REST = 120 // milliseconds without a move after which all is drawn again
const CELLS = 128 // cells of the grid on each side, in which the nearest item is looked for

const data = JSON.parse(document.getElementById("data").textContent)
const number = (value) => Number(value).toLocaleString("en-US")

function h(tag, props = {}, ...children) {
  const el = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue
    if (name === "class") el.className = value
    else if (name === "style") Object.assign(el.style, value)
    else if (name.startsWith("on")) el.addEventListener(name.slice(2), value)
    else el.setAttribute(name, value === true ? "" : String(value))
  }
  el.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false))
  return el
}

function array(text, Kind) {
  const raw = atob(text)
  const bytes = new Uint8Array(raw.length)
  for (let place = 0; place < raw.length; place++) bytes[place] = raw.charCodeAt(place)
  return new Kind(bytes.buffer)
}

function rgb(hex) {
  const value = parseInt(String(hex).slice(1), 16) || 0
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255]
}

// What is in the file, decoded once.

const count = data.count
const [left, bottom, wide, tall] = data.box
const stepsX = array(data.x, Uint16Array)
const stepsY = array(data.y, Uint16Array)
const xs = Float32Array.from(stepsX, (step) => (step / 65535) * wide) // from the box's corner, so that no digits are lost
const ys = Float32Array.from(stepsY, (step) => (step / 65535) * tall)
const legends = data.legends.map((legend) => {
  const codes = array(legend.codes, legend.wide ? Uint16Array : Uint8Array)
  const counts = new Uint32Array(legend.names.length)
  for (let place = 0; place < count; place++) counts[codes[place]]++
  return {...legend, codes, counts, values: legend.values ? array(legend.values, Float32Array) : null, off: new Set()}
})

// For every legend a table of colours, and for every point its place in it.
function colored(legend) {
  if (legend.table) return legend
  if (!legend.values) {
    legend.table = Float32Array.from(legend.colors.flatMap(rgb))
    legend.places = legend.codes
    return legend
  }
  const stops = legend.scale.map(rgb)
  const table = []
  for (let shade = 0; shade < 256; shade++) {
    const at = (shade / 255) * (stops.length - 1)
    const [low, part] = [Math.min(stops.length - 2, Math.floor(at)), at - Math.min(stops.length - 2, Math.floor(at))]
    for (let channel = 0; channel < 3; channel++) table.push(stops[low][channel] * (1 - part) + stops[low + 1][channel] * part)
  }
  table.push(...rgb(legend.colors[1]))
  const [low, high] = legend.bounds
  legend.table = Float32Array.from(table)
  legend.places = Uint16Array.from(legend.values, (value) => (Number.isNaN(value) ? 256 : Math.round(Math.min(1, Math.max(0, (value - low) / (high - low || 1))) * 255)))
  return legend
}

// Which points are in which cell, so that the nearest one is found among few.
const cellStarts = new Uint32Array(CELLS * CELLS + 1)
const cellPoints = new Uint32Array(count)
{
  const cellOf = (place) => (stepsY[place] >> 9) * CELLS + (stepsX[place] >> 9)
  for (let place = 0; place < count; place++) cellStarts[cellOf(place) + 1]++
  for (let cell = 0; cell < CELLS * CELLS; cell++) cellStarts[cell + 1] += cellStarts[cell]
  const next = cellStarts.slice()
  for (let place = 0; place < count; place++) cellPoints[next[cellOf(place)]++] = place
}

// The page.

let legend = legends[0]
let matched = null // 1 for each point that is searched for
let matches = []
let hovered = -1
let frame = 0

const points = h("canvas", {class: "points"})
const over = h("canvas", {class: "over", tabindex: "0", role: "img", "aria-label": `map of ${number(count)} items; arrow keys move it, plus and minus zoom, 0 shows all of it`})
const tip = h("div", {class: "tip", role: "status", hidden: true})
const sentence = h("span", {class: "sentence"})
const area = h("div", {class: "area"}, points, over, h("div", {class: "zoom"}, h("button", {type: "button", "aria-label": "zoom in", onclick: () => zoom(1.6)}, "+"),
  h("button", {type: "button", "aria-label": "zoom out", onclick: () => zoom(1 / 1.6)}, "−"), h("button", {type: "button", onclick: () => fit()}, "Fit")), tip)
const legendEl = h("section", {class: "card legend", "aria-label": "colour"})
const query = h("input", {type: "search", placeholder: "Find a title", "aria-label": "find a title", oninput: () => search(), onkeydown: (event) => { if (event.key === "Enter") nextMatch() }})
const found = h("output", {"aria-live": "polite"})
document.getElementById("map-page").append(
  h("header", {class: "top"}, h("h1", {dir: "auto"}, data.title), h("span", {class: "muted"}, data.about), h("span", {class: "grow"}), data.titles ? h("div", {class: "search"}, found, query) : null),
  legendEl, h("section", {class: "card map"}, area, h("div", {class: "foot"}, sentence, h("span", {class: "hint"}, "drag to move · scroll to zoom · click an entry to see it alone"))))

// The camera: what is in the middle, and pixels a unit of the layout.

const camera = {x: wide / 2, y: tall / 2, scale: 1, fitted: 1, width: 1, height: 1, ratio: 1}
const toPixel = (x, y) => [(x - camera.x) * camera.scale + camera.width / 2, (camera.y - y) * camera.scale + camera.height / 2]
const toPlace = (px, py) => [(px - camera.width / 2) / camera.scale + camera.x, camera.y - (py - camera.height / 2) / camera.scale]

function size() {
  const [width, height, ratio] = [area.clientWidth, area.clientHeight, Math.min(2, window.devicePixelRatio || 1)]
  if (!width || !height) return
  const whole = camera.scale === camera.fitted
  Object.assign(camera, {width, height, ratio})
  for (const canvas of [points, over]) [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)]
  camera.fitted = Math.min((width - 48) / wide, (height - 48) / tall)
  if (whole) fit()
  paint()
}

function fit() {
  Object.assign(camera, {x: wide / 2, y: tall / 2, scale: camera.fitted})
  paint()
}

function zoom(times, px = camera.width / 2, py = camera.height / 2) {
  const [x, y] = toPlace(px, py)
  camera.scale = Math.min(camera.fitted * DEEPEST, Math.max(camera.fitted / 4, camera.scale * times))
  camera.x = x - (px - camera.width / 2) / camera.scale
  camera.y = y + (py - camera.height / 2) / camera.scale
  paint()
}

function move(dx, dy) {
  camera.x = Math.min(wide, Math.max(0, camera.x - dx / camera.scale))
  camera.y = Math.min(tall, Math.max(0, camera.y + dy / camera.scale))
  paint()
}

// Drawing: discs are summed a pixel, so that where they overlap the map grows denser, as on the page that made this file.

function paint() {
  if (!frame) frame = requestAnimationFrame(() => { frame = 0; drawSoon(); drawOver() })
}

// Where drawing takes long, what was drawn last is moved and stretched meanwhile, and all is drawn when the map comes to rest.
const kept = document.createElement("canvas")
let drawn = null // the camera that `kept` was drawn with
let took = 0
let rest = 0

function drawSoon() {
  clearTimeout(rest)
  const moved = drawn && drawn.width === points.width && drawn.height === points.height && (drawn.x !== camera.x || drawn.y !== camera.y || drawn.scale !== camera.scale)
  if (!moved || took < SLOW) return drawAll()
  const context = points.getContext("2d")
  const times = camera.scale / drawn.scale
  const [dx, dy] = [(drawn.x - camera.x) * camera.scale * camera.ratio, (camera.y - drawn.y) * camera.scale * camera.ratio]
  context.clearRect(0, 0, points.width, points.height)
  context.drawImage(kept, points.width / 2 + dx - (points.width / 2) * times, points.height / 2 + dy - (points.height / 2) * times, points.width * times, points.height * times)
  rest = setTimeout(drawAll, REST)
}

function drawAll() {
  const start = performance.now()
  drawPoints()
  took = performance.now() - start
  drawn = {x: camera.x, y: camera.y, scale: camera.scale, width: points.width, height: points.height}
  ;[kept.width, kept.height] = [points.width, points.height]
  kept.getContext("2d").drawImage(points, 0, 0)
}

let sums = new Float32Array(0)
const COVER = Float32Array.from({length: 257}, (_, place) => 1 - (1 - OPACITY) ** (place / 16))

// A disc's pixels and how much of each it covers, for sixteen places that its middle may have in a pixel.
const stamps = new Map()
function stamp(radius) {
  const key = Math.round(radius * 16)
  if (stamps.has(key)) return stamps.get(key)
  const reach = Math.ceil(radius + 0.5)
  const made = []
  for (let part = 0; part < 16; part++) {
    const [mx, my] = [((part & 3) + 0.5) / 4, ((part >> 2) + 0.5) / 4]
    const [dx, dy, cover] = [[], [], []]
    for (let y = -reach; y <= reach; y++) for (let x = -reach; x <= reach; x++) {
      const share = Math.min(1, radius + 0.5 - Math.hypot(x + 0.5 - mx, y + 0.5 - my))
      if (share > 0.02) { dx.push(x); dy.push(y); cover.push(share) }
    }
    made.push({dx: Int32Array.from(dx), dy: Int32Array.from(dy), cover: Float32Array.from(cover)})
  }
  stamps.set(key, made)
  return made
}

function drawPoints() {
  const {width, height} = points
  const context = points.getContext("2d")
  const image = context.createImageData(width, height)
  const {codes, off} = legend
  const scale = camera.scale * camera.ratio
  const view = {width, height, scale, ox: width / 2 - camera.x * scale, oy: height / 2 + camera.y * scale}
  const shown = Uint8Array.from(legend.names, (_, code) => (off.has(code) ? 0 : 1))
  const layers = new Uint8Array(count) // of each point: 0 not drawn, 1 drawn, 2 searched for
  let inView = 0
  for (let place = 0; place < count; place++) {
    if (shown[codes[place]] === 0) continue
    const px = xs[place] * scale + view.ox
    const py = view.oy - ys[place] * scale
    if (px < -20 || px >= width + 20 || py < -20 || py >= height + 20) continue
    layers[place] = matched !== null && matched[place] === 1 ? 2 : 1
    if (px >= 0 && px < width && py >= 0 && py < height) inView++
  }
  const room = Math.sqrt((width * height) / Math.max(1, inView))
  const radius = Math.max(1, Math.min(camera.ratio * Math.min(4.5, Math.max(1, (room / camera.ratio) * 0.17)), room * 0.5))
  layer(image.data, view, radius, matched ? DIM : 1, layers, 1)
  if (matched) layer(image.data, view, radius * 1.25, 1, layers, 2)
  context.putImageData(image, 0, 0)
  const homeless = data.homeless ? ` · ${number(data.homeless)} have no place` : ""
  sentence.textContent = `${number(inView)} of ${number(count)} drawn${homeless}`
}

// The loops below run for every point of a million, and are written plainly for it: nothing is allocated in them.
function layer(pixels, {width, height, scale, ox, oy}, radius, strength, layers, which) {
  if (sums.length !== width * height * 4) sums = new Float32Array(width * height * 4)
  else sums.fill(0)
  const {table, places} = colored(legend)
  const all = stamp(radius).map(({dx, dy, cover}) => ({dx, dy, cover, offsets: dx.map((x, part) => (dy[part] * width + x) * 4)}))
  const reach = Math.ceil(radius + 0.5)
  for (let place = 0; place < count; place++) {
    if (layers[place] !== which) continue
    const px = xs[place] * scale + ox
    const py = oy - ys[place] * scale
    const x0 = Math.floor(px)
    const y0 = Math.floor(py)
    const mark = all[Math.floor((px - x0) * 4) + 4 * Math.floor((py - y0) * 4)]
    const {dx, dy, cover, offsets} = mark
    const at = places[place] * 3
    const red = table[at]
    const green = table[at + 1]
    const blue = table[at + 2]
    const middle = (y0 * width + x0) * 4
    const inside = x0 >= reach && x0 < width - reach && y0 >= reach && y0 < height - reach
    for (let part = 0; part < offsets.length; part++) {
      if (!inside && (x0 + dx[part] < 0 || x0 + dx[part] >= width || y0 + dy[part] < 0 || y0 + dy[part] >= height)) continue
      const to = middle + offsets[part]
      const share = cover[part]
      sums[to] += share
      sums[to + 1] += share * red
      sums[to + 2] += share * green
      sums[to + 3] += share * blue
    }
  }
  blend(pixels, strength)
}

// Lays the sums over what is drawn already.
function blend(pixels, strength) {
  for (let to = 0; to < sums.length; to += 4) {
    const cover = sums[to]
    if (cover === 0) continue
    const alpha = strength * COVER[Math.min(256, Math.round(cover * 16))]
    const under = (pixels[to + 3] / 255) * (1 - alpha)
    const whole = alpha + under
    const share = alpha / cover / whole
    const rest = under / whole
    pixels[to] = sums[to + 1] * share + pixels[to] * rest
    pixels[to + 1] = sums[to + 2] * share + pixels[to + 1] * rest
    pixels[to + 2] = sums[to + 3] * share + pixels[to + 2] * rest
    pixels[to + 3] = 255 * whole
  }
}

// Names: larger groups first, none over another, more of them as one zooms in.

const names = [...data.names].sort((one, other) => other.size - one.size)
const widths = new Map()

function drawOver() {
  const context = over.getContext("2d")
  context.setTransform(camera.ratio, 0, 0, camera.ratio, 0, 0)
  context.clearRect(0, 0, camera.width, camera.height)
  const style = getComputedStyle(document.documentElement)
  const [ink, paper, accent] = ["--ink", "--paper", "--accent"].map((name) => style.getPropertyValue(name).trim())
  context.font = "600 12px Inter, -apple-system, \"Segoe UI\", Roboto, \"Noto Sans\", \"Liberation Sans\", system-ui, sans-serif"
  context.textBaseline = "middle"
  context.lineJoin = "round"
  const taken = []
  for (const name of names) {
    if (!widths.has(name.text)) widths.set(name.text, context.measureText(name.text).width)
    const [px, py] = toPixel(name.x - left, name.y - bottom)
    const dot = name.color ? 11 : 0
    const half = (widths.get(name.text) + dot) / 2 + 4
    const box = [px - half, py - 9, px + half, py + 9]
    if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue
    taken.push(box) // also out of view: moving the map must not change which names there are
    if (box[2] < 0 || box[0] > camera.width || box[3] < 0 || box[1] > camera.height) continue
    context.strokeStyle = paper
    context.lineWidth = 4
    context.strokeText(name.text, box[0] + 4 + dot, py)
    context.fillStyle = ink
    context.fillText(name.text, box[0] + 4 + dot, py)
    if (!dot) continue
    context.beginPath()
    context.arc(box[0] + 7, py, 4, 0, 2 * Math.PI)
    context.lineWidth = 3
    context.stroke()
    context.fillStyle = name.color
    context.fill()
  }
  if (hovered >= 0) {
    const [px, py] = toPixel(xs[hovered], ys[hovered])
    context.beginPath()
    context.arc(px, py, 7, 0, 2 * Math.PI)
    context.strokeStyle = accent
    context.lineWidth = 2
    context.stroke()
  }
}

// The legend.

function drawLegend() {
  const by = h("select", {class: "by", "aria-label": "colour by", onchange: () => { legend = legends[by.selectedIndex]; drawLegend(); hover(-1); paint() }},
    legends.map((one) => h("option", {selected: one === legend}, one.title || "nothing")))
  const body = legend.values ? scale() : entries()
  legendEl.replaceChildren(h("header", {}, h("h2", {}, "Colour by"), legends.length > 1 ? by : h("span", {class: "muted"}, legend.title || "nothing")), ...body)
}

function scale() {
  const ramp = h("div", {class: "ramp", style: {background: `linear-gradient(to right, ${legend.scale.filter((color) => /^#[0-9a-f]{6}$/i.test(color)).join(", ")})`}})
  return [ramp, h("div", {class: "ends"}, h("span", {}, legend.ends[0]), h("span", {}, legend.ends[1]))]
}

function entries() {
  const keep = legendEl.querySelector(".entries")?.scrollTop || 0
  const rows = h("ul", {class: "entries"})
  legend.names.forEach((name, code) => {
    if (!legend.counts[code]) return
    const off = legend.off.has(code)
    const entry = h("button", {type: "button", class: "entry", title: name, "aria-pressed": String(!off), onclick: () => solo(code)}, h("span", {class: "dot", style: {background: legend.colors[code]}}),
      h("span", {class: "name", dir: "auto"}, name || "(empty)"), h("span", {class: "count"}, number(legend.counts[code])))
    rows.append(h("li", {class: off ? "off" : ""}, entry, h("button", {type: "button", class: "act", onclick: () => toggle(code)}, off ? "show" : "hide")))
  })
  requestAnimationFrame(() => { rows.scrollTop = keep })
  const all = legend.off.size ? h("button", {type: "button", onclick: () => { legend.off.clear(); relegend() }}, "Show all") : null
  return [rows, h("footer", {}, h("span", {class: "muted"}, "click to solo"), all)]
}

function relegend() { drawLegend(); hover(-1); paint() }

function toggle(code) {
  if (!legend.off.delete(code)) legend.off.add(code)
  relegend()
}

function solo(code) {
  const others = legend.names.map((_, other) => other).filter((other) => other !== code && legend.counts[other])
  const alone = !legend.off.has(code) && others.every((other) => legend.off.has(other))
  legend.off = new Set(alone ? [] : others)
  relegend()
}

// Hovering.

function nearest(px, py) {
  const [x, y] = toPlace(px, py)
  const reach = REACH / camera.scale
  const cell = (value, side) => Math.min(CELLS - 1, Math.max(0, Math.floor((value / side) * 65535) >> 9))
  let [best, nearestSquare] = [-1, reach * reach]
  for (let row = cell(y - reach, tall); row <= cell(y + reach, tall); row++) {
    for (let column = cell(x - reach, wide); column <= cell(x + reach, wide); column++) {
      const at = row * CELLS + column
      for (let each = cellStarts[at]; each < cellStarts[at + 1]; each++) {
        const place = cellPoints[each]
        const square = (xs[place] - x) ** 2 + (ys[place] - y) ** 2
        if (square <= nearestSquare && !legend.off.has(legend.codes[place])) [best, nearestSquare] = [place, square]
      }
    }
  }
  return best
}

function hover(place) {
  if (place === hovered) return
  hovered = place
  tip.hidden = place < 0
  if (place >= 0) tell(place)
  drawOver()
}

function tell(place) {
  const lines = legends.filter((one) => one.title).map((one) => {
    const name = one.values && !Number.isNaN(one.values[place]) ? String(Number(one.values[place].toPrecision(6))) : one.names[one.codes[place]]
    const [red, green, blue] = colored(one).table.slice(one.places[place] * 3)
    return h("div", {class: "line"}, h("span", {class: "dot", style: {background: `rgb(${red}, ${green}, ${blue})`}}), h("span", {class: "muted"}, one.title), h("span", {dir: "auto"}, name || "(empty)"))
  })
  const title = data.titles ? h("b", {dir: "auto"}, data.titles[place]) : null
  const text = data.texts && data.texts[place] ? h("div", {class: "text", dir: "auto"}, data.texts[place]) : null
  const id = data.ids && data.ids[place] !== data.titles[place] ? h("div", {class: "line"}, h("span", {class: "muted"}, "id"), h("span", {dir: "auto"}, data.ids[place])) : null
  tip.replaceChildren(...[thumbnail(place), h("div", {class: "said"}, title, text, lines, id)].filter(Boolean))
  const [px, py] = toPixel(xs[place], ys[place])
  const {offsetWidth, offsetHeight} = tip
  tip.style.left = `${Math.max(4, px + 14 + offsetWidth > camera.width ? px - 14 - offsetWidth : px + 14)}px`
  tip.style.top = `${Math.max(4, Math.min(camera.height - offsetHeight - 4, py - 20))}px`
}

const sheets = new Map()
function thumbnail(place) {
  if (!data.sprites) return null
  const {size, tall, across} = data.sprites
  const [sheet, at] = [Math.floor(place / across ** 2), place % across ** 2]
  const canvas = h("canvas", {width: size, height: tall, style: {width: `${size}px`, height: `${tall}px`}, "aria-hidden": "true"})
  const draw = (image) => canvas.getContext("2d").drawImage(image, (at % across) * size, Math.floor(at / across) * tall, size, tall, 0, 0, size, tall)
  if (!sheets.has(sheet)) {
    const image = new Image()
    image.src = `data:image/webp;base64,${data.sprites.sheets[sheet]}`
    sheets.set(sheet, image.decode().then(() => image))
  }
  sheets.get(sheet).then(draw, () => canvas.remove())
  return canvas
}

// Searching.

let lowered = null
let current = -1

function search() {
  const wanted = query.value.trim().toLocaleLowerCase()
  lowered = lowered || data.titles.map((title) => title.toLocaleLowerCase())
  matched = wanted ? new Uint8Array(count) : null
  matches = []
  current = -1
  if (wanted) lowered.forEach((title, place) => { if (title.includes(wanted)) { matched[place] = 1; matches.push(place) } })
  found.textContent = wanted ? number(matches.length) : ""
  paint()
}

function nextMatch() {
  if (!matches.length) return
  current = (current + 1) % matches.length
  const place = matches[current]
  if (camera.scale < camera.fitted * 3) camera.scale = camera.fitted * 3
  Object.assign(camera, {x: xs[place], y: ys[place]})
  hover(-1)
  hover(place)
  paint()
}

// Pointers, wheel and keys.

const held = new Map()
over.addEventListener("pointerdown", (event) => { over.setPointerCapture(event.pointerId); held.set(event.pointerId, [event.offsetX, event.offsetY]); over.classList.add("panning") })
over.addEventListener("pointermove", (event) => {
  const now = [event.offsetX, event.offsetY]
  const before = held.get(event.pointerId)
  if (!before) return hover(nearest(...now))
  const other = [...held].find(([id]) => id !== event.pointerId)?.[1]
  held.set(event.pointerId, now)
  if (other) {
    const apart = ([x, y]) => Math.hypot(x - other[0], y - other[1])
    zoom(apart(now) / Math.max(1, apart(before)), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2)
    return move((now[0] - before[0]) / 2, (now[1] - before[1]) / 2)
  }
  if (now[0] !== before[0] || now[1] !== before[1]) { hover(-1); move(now[0] - before[0], now[1] - before[1]) }
})
const release = (event) => {
  held.delete(event.pointerId)
  over.classList.toggle("panning", held.size > 0)
  if (event.pointerType === "touch") hover(nearest(event.offsetX, event.offsetY))
}
over.addEventListener("pointerup", release)
over.addEventListener("pointercancel", release)
over.addEventListener("pointerleave", () => { if (!held.size) hover(-1) })
over.addEventListener("dblclick", (event) => zoom(2, event.offsetX, event.offsetY))
over.addEventListener("wheel", (event) => {
  event.preventDefault()
  hover(-1)
  const lines = event.deltaMode === 1 ? 24 : 1
  zoom(Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * 0.002), event.offsetX, event.offsetY)
}, {passive: false})
over.addEventListener("keydown", (event) => {
  const act = {"+": () => zoom(1.6), "=": () => zoom(1.6), "-": () => zoom(1 / 1.6), 0: () => fit(), ArrowLeft: () => move(60, 0), ArrowRight: () => move(-60, 0), ArrowUp: () => move(0, 60), ArrowDown: () => move(0, -60)}[event.key]
  if (act && !event.ctrlKey && !event.metaKey && !event.altKey) { event.preventDefault(); act() }
})

new ResizeObserver(size).observe(area)
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint)
drawLegend()
size()
