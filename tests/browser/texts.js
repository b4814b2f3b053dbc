// Every text that is to be seen on a page, through all shadow roots: which are smaller than 12 px or too pale for what is behind them.
() => {
  const numbers = (text) => text.split(/[ ,/]+/).filter(Boolean).map(Number)
  const parse = (color) => {
    const rgb = color.match(/^rgba?\(([^)]+)\)/)
    if (rgb) { const [r, g, b, a = 1] = numbers(rgb[1]); return [r, g, b, a] }
    const srgb = color.match(/^color\(srgb ([^)]+)\)/)
    if (srgb) { const [r, g, b, a = 1] = numbers(srgb[1]); return [255 * r, 255 * g, 255 * b, a] }
    throw new Error(`cannot read the colour ${color}`)
  }
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1)
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
  const contrast = (one, other) => { const [more, less] = [light(one), light(other)].sort((a, b) => b - a); return (more + 0.05) / (less + 0.05) }
  const parent = (el) => el.parentElement || (el.getRootNode() instanceof ShadowRoot ? el.getRootNode().host : null)
  const up = (el) => { const all = []; for (let at = el; at; at = parent(at)) all.push(at); return all }
  const behind = (el) => {
    const colors = []
    for (const at of up(el)) { colors.push(parse(getComputedStyle(at).backgroundColor)); if (colors.at(-1)[3] === 1) break }
    return colors.reverse().reduce((now, color) => over(color, now), [255, 255, 255, 1])
  }
  const faults = []
  let read = 0
  const look = (el, text) => {
    const [box, style] = [el.getBoundingClientRect(), getComputedStyle(el)]
    const opacity = up(el).reduce((product, at) => product * Number(getComputedStyle(at).opacity), 1)
    if (box.width <= 1 || !box.height || style.visibility !== "visible" || !opacity) return
    read += 1
    const where = `${el.tagName.toLowerCase()}.${el.className} in .${el.parentElement?.className}: ${text.slice(0, 30)}`
    if (parseFloat(style.fontSize) < 12) faults.push(`${style.fontSize}: ${where}`)
    if (up(el).some((at) => at.disabled || at.inert)) return // what cannot be used now may be pale
    const [ink, paper] = [parse(style.color), behind(el)]
    const ratio = contrast(over([ink[0], ink[1], ink[2], ink[3] * opacity], paper), paper)
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${where}`)
    if (el.matches("input:not([type=range], [type=checkbox], [type=color], [type=file]), textarea") && style.borderTopColor !== "rgba(0, 0, 0, 0)" && parseFloat(style.borderTopWidth) > 0) {
      const edge = contrast(over(parse(style.borderTopColor), paper), behind(parent(el)))
      if (edge < 3) faults.push(`border ${edge.toFixed(2)}: ${where}`)
    }
  }
  const visit = (root) => {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) {
        const el = node.parentElement
        if (el && node.textContent.trim() && !el.matches("style, script, option, noscript, title")) look(el, node.textContent.trim())
      } else {
        if (node.shadowRoot) visit(node.shadowRoot)
        if (node.matches("input, select, textarea") && !["range", "checkbox", "color"].includes(node.type)) look(node, node.getAttribute("aria-label") || node.value)
      }
    }
  }
  visit(document)
  return {faults: [...new Set(faults)], read}
}
