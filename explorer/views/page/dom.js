// Building elements. All text goes in as text nodes; there is no other way in, so data is never markup.

function h(tag, props = {}, ...children) {
  const el = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue
    if (name === "class") el.className = value
    else if (name === "style") Object.assign(el.style, value)
    else if (name === "value" || name === "checked") el[name] = value
    else if (name.startsWith("on")) el.addEventListener(name.slice(2), value)
    else el.setAttribute(name, value === true ? "" : String(value))
  }
  el.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false))
  return el
}

function fill(el, ...children) {
  el.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false))
  return el
}

const number = (value) => Number(value).toLocaleString("en-US")

function short(value) {
  if (value === null || value === undefined) return "–"
  if (typeof value !== "number") return String(value)
  if (Number.isInteger(value)) return Math.abs(value) >= 10000 ? number(value) : String(value)
  return String(Number(value.toPrecision(4)))
}

const COMPACT = new Intl.NumberFormat("en-US", {notation: "compact", maximumFractionDigits: 1})
const brief = (value) => (value >= 100000 ? COMPACT.format(value) : number(value)) // a count where there is little room

function button(text, onclick, props = {}) {
  return h("button", {type: "button", onclick, ...props}, text)
}

function picture(bytes) {
  const url = URL.createObjectURL(new Blob([bytes]))
  const img = h("img", {src: url, alt: "", draggable: "false"})
  img.addEventListener("load", () => URL.revokeObjectURL(url), {once: true})
  img.addEventListener("error", () => URL.revokeObjectURL(url), {once: true})
  return img
}

// Pictures of one place as they come: one whose decoding took longer than a newer one's is left out.
class Newest {
  constructor() { this.came = this.shown = 0 }

  // The bitmap of a WebP, or null where a newer one is there already.
  async decoded(bytes) {
    const turn = (this.came += 1)
    const bitmap = await createImageBitmap(new Blob([bytes], {type: "image/webp"}))
    if (turn < this.shown) {
      bitmap.close()
      return null
    }
    this.shown = turn
    return bitmap
  }
}

const STEP = 40 // milliseconds between two looks whether a button is still pressed
const PATIENCE = 2000 // after which a part is built again all the same

// Builds a part of the page again, keeps the focus of whoever types or tabs in it, and waits while a button in it is pressed: a click
// on what is replaced between press and release would be lost. Of several rebuilds that wait only the last is done.
function keepingFocus(root, rebuild, waited = 0) {
  if (waited && root.newestRebuild !== rebuild) return
  root.newestRebuild = rebuild
  if (waited < PATIENCE && root.matches(":active")) {
    setTimeout(() => keepingFocus(root, rebuild, waited + STEP), STEP)
    return
  }
  const active = root.getRootNode().activeElement
  const key = active && root.contains(active) ? active.getAttribute("data-key") : null
  rebuild()
  if (key) {
    const again = [...root.querySelectorAll("[data-key]")].find((el) => el.getAttribute("data-key") === key)
    if (again) again.focus({preventScroll: true})
  }
}

// What can have the focus within a part of the page, in order.
function reachable(root) {
  return [...root.querySelectorAll("button, input, select, textarea, summary, [tabindex]")].filter((el) => !el.disabled && el.tabIndex >= 0 && el.offsetParent)
}

// Makes Tab go round within a dialog, and gives the focus back to what had it, or to what took its place, when the dialog closes.
function keepFocusIn(dialog, page) {
  const before = page.getRootNode().activeElement
  const key = before?.getAttribute("data-key")
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") return
    const all = reachable(dialog)
    const active = dialog.getRootNode().activeElement
    const edge = event.shiftKey ? all[0] : all.at(-1)
    if (active !== edge && all.includes(active)) return
    event.preventDefault()
    ;(event.shiftKey ? all.at(-1) : all[0])?.focus()
  })
  dialog.addEventListener("close", () => {
    const root = page.getRootNode()
    if (root.activeElement && root.activeElement !== dialog && !dialog.contains(root.activeElement) && root.activeElement.matches("[data-key], button, input, select, canvas")) return
    const again = before?.isConnected ? before : key && [...root.querySelectorAll("[data-key]")].find((el) => el.getAttribute("data-key") === key && el.tagName === before.tagName && el.offsetParent)
    ;(again || root.querySelector(".map-canvas"))?.focus({preventScroll: true})
  })
}

// A row of which one is in the order of Tab and the arrow keys reach the others: gives the place that a key leads to, or null.
function arrowTo(key, at, count, {across = true} = {}) {
  const steps = across ? {ArrowRight: 1, ArrowLeft: -1} : {ArrowDown: 1, ArrowUp: -1}
  if (key === "Home") return 0
  if (key === "End") return count - 1
  return steps[key] ? (at + steps[key] + count) % count : null
}
