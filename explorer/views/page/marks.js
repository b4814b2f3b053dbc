// Marks of their own while few items are in view: thumbnails where there is room for them, else discs, with titles when they are very few.

const THUMB_LEAST = 24 // pixels on the longer side of a thumbnail on the map
const THUMB_MOST = 64
const THUMB_ROOM = 2 // of the median distance to the next item: how large a thumbnail is
const SHEETS = 48 // sheets of thumbnails that are kept, 2.4 MB each
const ASKED = 64 // thumbnails asked for at once
const DIMMED = 0.33 // what is left of an unselected mark while there is a selection

class Marks {
  constructor(store, map) {
    this.store = store
    this.map = map
    this.marks = null
    this.thumbs = false
    this.sheets = []
    this.moves = true // it is drawn also while the map does
    this.places = new Map() // row -> {sheet, x, y, width, height}; null where the picture cannot be read
    map.layers.push(this)
    store.on("frame", () => this.take())
  }

  take() {
    const sent = this.store.get("frame").marks
    this.marks = sent ? this.unpack(sent) : null
    if (!sent) this.thumbs = false
  }

  unpack(sent) {
    const rows = typed(Int32Array, sent.rows)
    const color = typed(Uint8Array, sent.color)
    const [x0, x1, y0, y1] = this.store.get("frame").viewport
    const css = Array.from(rows, (row, i) => `rgb(${color[3 * i]} ${color[3 * i + 1]} ${color[3 * i + 2]})`)
    const on = sent.on && typed(Uint8Array, sent.on)
    const order = Array.from(rows.keys()).reverse() // the first of those on one place is on top: it is the one that is picked
    if (on) order.sort((a, b) => on[a] - on[b])
    const room = Math.sqrt(((x1 - x0) * (y1 - y0)) / Math.max(1, rows.length))
    const index = new Map(Array.from(rows, (row, i) => [row, i]))
    return {rows, x: typed(Float32Array, sent.x), y: typed(Float32Array, sent.y), css, on, order, room, index,
      spacing: sent.spacing, titles: sent.titles, density: sent.density, pictures: sent.spacing !== null || (sent.titles === null && rows.length === 1)}
  }

  // The rows that lines lead to: they are not dimmed.
  get near() { return this.map.layers.find((layer) => layer.rows)?.rows || new Set() }

  get active() { return Boolean(this.marks && this.map.frame) }

  // Whether it draws every item, so that the picture need not be there.
  covers() { return this.active && (this.sizeNow() > 0 || !this.marks.density) }

  // The longer side of a thumbnail in pixels; 0 for discs. What are thumbnails stay so for a while when one zooms out.
  sizeNow() {
    if (!this.active || !this.marks.pictures) return 0
    const size = this.marks.spacing ? (THUMB_ROOM * this.marks.spacing) / this.map.camera.scale : THUMB_MOST
    this.thumbs = size >= (this.thumbs ? 0.85 : 1) * THUMB_LEAST
    return this.thumbs ? Math.max(THUMB_LEAST, Math.min(THUMB_MOST, size)) : 0
  }

  // Pixels from a mark's middle to its edge.
  get radius() { return this.sizeNow() / 2 }

  // How far above its place a name hides no mark there: while marks are so few that they have titles.
  get lift() { return this.active && this.marks.titles ? (this.radius || this.discRadius()) + NAME_HEIGHT / 2 : 0 }

  paint(context, camera, colors) {
    if (!this.active) return
    const size = this.sizeNow()
    this.map.canvas.dataset.marks = size ? "thumbnails" : this.marks.density ? "" : "discs"
    const at = this.visible(camera, size / 2 + 8)
    if (size) this.paintThumbs(context, at, size, colors)
    else if (!this.marks.density) this.paintDiscs(context, at, colors)
    if (this.marks.titles && !size) this.paintTitles(context, camera, at, colors)
    context.globalAlpha = 1
  }

  // The marks in view as [index, px, py], the topmost last.
  visible(camera, margin) {
    const {x, y, order} = this.marks
    const found = []
    for (const i of order) {
      const [px, py] = camera.toPixel(x[i], y[i])
      if (px > -margin && py > -margin && px < camera.width + margin && py < camera.height + margin) found.push([i, px, py])
    }
    const near = this.near // over the others, but not over what is selected
    if (!near.size) return found
    const rank = ([i]) => (this.marks.on?.[i] ? 2 : near.has(this.marks.rows[i]) ? 1 : 0)
    return found.sort((a, b) => rank(a) - rank(b))
  }

  strength(i) { return this.marks.on && !this.marks.on[i] && !this.near.has(this.marks.rows[i]) ? DIMMED : 1 }

  discRadius() { return Math.max(1.3, Math.min(6, 0.17 * (this.marks.room / this.map.camera.scale))) }

  paintDiscs(context, at, {accent, paper}) {
    const {css, on} = this.marks
    const radius = this.discRadius()
    const opacity = 0.62 + 0.3 * Math.max(0, Math.min(1, (radius - 3) / 2.5)) // discs that seldom overlap need not be seen through
    for (const [i, px, py] of at) {
      const chosen = on && on[i]
      context.globalAlpha = opacity * this.strength(i)
      context.fillStyle = css[i]
      discPath(context, px, py, chosen ? radius * 1.2 : radius)
      context.fill()
      if (!chosen || radius < 2.4) continue
      context.globalAlpha = 1
      for (const [color, width, away] of [[paper, 1, 0.5], [accent, 1.6, 1.6]]) {
        context.strokeStyle = color
        context.lineWidth = width
        discPath(context, px, py, radius * 1.2 + away)
        context.stroke()
      }
    }
  }

  paintThumbs(context, at, size, colors) {
    context.imageSmoothingQuality = "high"
    const missing = []
    for (const [i, px, py] of at) {
      if (this.places.get(this.marks.rows[i]) === undefined) missing.push([i, px, py])
      this.paintThumb(context, i, px, py, size, colors)
    }
    if (missing.length) this.ask(missing)
  }

  // The rectangle of a thumbnail around its place: [left, top, width, height].
  box(i, px, py, size) {
    const place = this.places.get(this.marks.rows[i])
    if (!place) return [px - 5, py - 5, 10, 10]
    const factor = size / Math.max(place.width, place.height)
    const [width, height] = [Math.max(6, place.width * factor), Math.max(6, place.height * factor)]
    return [px - width / 2, py - height / 2, width, height]
  }

  paintThumb(context, i, px, py, size, {accent, paper}, strength = this.strength(i)) {
    const place = this.places.get(this.marks.rows[i])
    const [left, top, width, height] = this.box(i, px, py, size)
    const chosen = this.marks.on && this.marks.on[i]
    context.globalAlpha = place ? 1 : strength
    if (!place) {
      context.fillStyle = this.marks.css[i]
      discPath(context, px, py, 4.5)
      context.fill()
    } else {
      roundedPath(context, left - 1, top - 1, width + 2, height + 2)
      context.fillStyle = paper
      context.fill() // what is behind does not show through, not even through a dimmed one
      context.globalAlpha = strength
      context.drawImage(place.sheet.bitmap, place.x, place.y, place.width, place.height, left, top, width, height)
      context.strokeStyle = this.marks.css[i]
      context.lineWidth = size > 40 ? 2 : 1.5
      context.stroke()
    }
    if (!chosen) return
    context.globalAlpha = 1
    roundedPath(context, left - 3, top - 3, width + 6, height + 6, 5)
    context.strokeStyle = accent
    context.lineWidth = 2
    context.stroke()
  }

  // Whether it has drawn the ring around an item itself: on a thumbnail it is a frame, and the thumbnail is on top.
  ring(context, camera, item, {ink, paper, accent}) {
    const size = this.sizeNow()
    const i = size ? this.marks.index.get(item.row) : undefined
    if (i === undefined) return false
    const [px, py] = camera.toPixel(this.marks.x[i], this.marks.y[i])
    this.paintThumb(context, i, px, py, size, {accent, paper}, 1)
    const [left, top, width, height] = this.box(i, px, py, size)
    for (const [color, line, away] of [[paper, 4, 3], [ink, 2, 3]]) {
      roundedPath(context, left - away, top - away, width + 2 * away, height + 2 * away, 5)
      context.strokeStyle = color
      context.lineWidth = line
      context.stroke()
    }
    return true
  }

  // The place of the topmost thumbnail under a pointer.
  hit(px, py, camera) {
    const size = this.sizeNow()
    if (!size) return null
    const at = this.visible(camera, size)
    for (const [i, x, y] of at.reverse()) {
      const [left, top, width, height] = this.box(i, x, y, size)
      if (px >= left - 2 && px <= left + width + 2 && py >= top - 2 && py <= top + height + 2) return [this.marks.x[i], this.marks.y[i]]
    }
    return null
  }

  // What stands on the map and hides what is under it, as boxes.
  furniture() {
    const {area, canvas, empty, tip} = this.map
    const standing = [...area.children].filter((el) => ![canvas, empty, tip].includes(el) && el.offsetWidth)
    return standing.map(({offsetLeft: left, offsetTop: top, offsetWidth: width, offsetHeight: height}) => [left, top, left + width, top + height])
  }

  // Titles beside discs, on the side where there is room: none over another, over a name or over a disc.
  paintTitles(context, camera, at, {ink, paper}) {
    const gap = this.discRadius() + 5
    const taken = [...(this.map.named || []).map(({box}) => box), ...this.furniture()]
    for (const [, px, py] of at) taken.push([px - gap + 3, py - gap + 3, px + gap - 3, py + gap - 3])
    context.font = "12px Inter, -apple-system, \"Segoe UI\", Roboto, \"Noto Sans\", \"Liberation Sans\", system-ui, sans-serif"
    context.textBaseline = "middle"
    context.textAlign = "left"
    context.lineJoin = "round"
    for (const [i, px, py] of [...at].reverse()) {
      const text = this.marks.titles[i]
      const width = context.measureText(text).width
      const left = [px + gap, px - gap - width].find((start) => {
        const box = [start - 1, py - 8, start + width + 1, py + 8]
        return box[0] > 2 && box[2] < camera.width - 2 && box[1] > 2 && box[3] < camera.height - 2 && !taken.some((other) => overlap(box, other))
      })
      if (left === undefined) continue
      taken.push([left - 1, py - 8, left + width + 1, py + 8])
      context.globalAlpha = this.strength(i) < 1 ? 0.45 : 1
      context.strokeStyle = paper
      context.lineWidth = 3.5
      context.strokeText(text, left, py)
      context.fillStyle = ink
      context.fillText(text, left, py)
    }
  }

  // One sheet is under way at a time; those nearest to the middle are asked for first.
  ask(missing) {
    if (this.asking) return
    this.asking = true
    clearTimeout(this.patience)
    this.patience = setTimeout(() => { this.asking = false; this.map.draw() }, 15000) // a lost answer must not end the asking
    const {width, height} = this.map.camera
    const far = ([, px, py]) => Math.hypot(px - width / 2, py - height / 2)
    missing.sort((a, b) => far(a) - far(b))
    this.store.send({verb: "sprites", rows: missing.slice(0, ASKED).map(([i]) => this.marks.rows[i])})
  }

  async onSprites({rows, sheet: bytes, sizes, across, cell}) {
    const sheet = {rows, bitmap: await createImageBitmap(new Blob([bytes], {type: "image/webp"}))}
    rows.forEach((row, place) => {
      const [width, height] = [sizes[2 * place], sizes[2 * place + 1]]
      this.places.set(row, width ? {sheet, x: (place % across) * cell, y: Math.floor(place / across) * cell, width, height} : null)
    })
    this.sheets.push(sheet)
    this.forget()
    this.asking = false
    this.map.draw()
  }

  // Lets the oldest sheets go of which nothing is in view.
  forget() {
    for (const sheet of [...this.sheets]) {
      if (this.sheets.length <= SHEETS) return
      if (sheet.rows.some((row) => this.marks?.index.has(row))) continue
      this.sheets.splice(this.sheets.indexOf(sheet), 1)
      for (const row of sheet.rows) this.places.delete(row)
      sheet.bitmap.close()
    }
  }
}

function typed(Type, bytes) {
  return new Type(bytes instanceof ArrayBuffer ? bytes : bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

function discPath(context, px, py, radius) {
  context.beginPath()
  context.arc(px, py, radius, 0, 2 * Math.PI)
}

function roundedPath(context, left, top, width, height, radius = 3) {
  context.beginPath()
  context.roundRect(left, top, width, height, radius)
}
