// Light or dark: in a window of its own what a person chose, else what the browser prefers; in an app or a notebook what is around it,
// until a person chooses there.

const THEME = "explorer-theme"
const SETTLED = 150 // milliseconds after which a page that changes its theme has done so

class Theme {
  constructor(root, served, onChange) {
    this.root = root
    this.served = served
    this.onChange = onChange
    if (served) {
      this.set(chosenTheme() || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"))
      return
    }
    this.set(isDark(document.body) ? "dark" : "light")
    this.sight = new ResizeObserver(() => this.look()) // also once it has its place in the page
    this.sight.observe(root)
    this.change = new MutationObserver(() => { clearTimeout(this.timer); this.timer = setTimeout(() => this.look(), SETTLED) })
    for (const el of [document.documentElement, document.body]) this.change.observe(el, {attributes: true})
  }

  set(theme) {
    if (this.root.dataset.theme === theme) return
    this.root.dataset.theme = theme
    this.onChange(theme)
  }

  // A person wants the other one.
  toggle() {
    const now = this.root.dataset.theme === "dark" ? "light" : "dark"
    this.end()
    if (this.served) try { localStorage.setItem(THEME, now) } catch { /* a private window keeps nothing */ }
    this.set(now)
  }

  look() {
    const around = above(this.root)
    if (around && this.root.isConnected) this.set(isDark(around) ? "dark" : "light")
  }

  end() {
    clearTimeout(this.timer)
    this.sight?.disconnect()
    this.change?.disconnect()
  }
}

function chosenTheme() {
  try {
    const chosen = localStorage.getItem(THEME)
    return chosen === "dark" || chosen === "light" ? chosen : null
  } catch { return null }
}

// What an element is drawn upon, through the borders of other people's components.
const above = (el) => el.assignedSlot || el.parentElement || el.getRootNode().host || null

// Whether what is behind an element is dark; where nothing has a colour, as in a frame that one sees through, whether the writing is light.
function isDark(el) {
  for (let at = el; at; at = above(at)) {
    const [red, green, blue, opacity] = channels(getComputedStyle(at).backgroundColor)
    if (opacity >= 0.5) return brightness(red, green, blue) < 0.5
  }
  return brightness(...channels(getComputedStyle(document.body).color)) > 0.5
}

const brightness = (red, green, blue) => (0.299 * red + 0.587 * green + 0.114 * blue) / 255

// Red, green and blue from 0 to 255 and the opacity of a colour as CSS computes it; a canvas knows the kinds that are no rgb().
function channels(color) {
  if (color.startsWith("rgb")) {
    const [red, green, blue, opacity] = color.match(/[\d.]+/g).map(Number)
    return [red, green, blue, opacity ?? 1]
  }
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1})
  const context = canvas.getContext("2d")
  context.fillStyle = color
  context.fillRect(0, 0, 1, 1)
  const [red, green, blue, opacity] = context.getImageData(0, 0, 1, 1).data
  return [red, green, blue, opacity / 255]
}
