// What sets the selection apart: lanes of series and sounds, words, and the columns that differ; worked out only while this tab is open.

const FIRST_WORDS = 10 // until all are wanted
const HINT = "Brush a group on the map to see what sets it apart."

class Telling {
  constructor(store) {
    this.store = store
    this.onItem = () => {}
    this.isOpen = false
    this.only = null // the one word that is marked; null: all of them
    this.head = h("header", {})
    this.note = h("p", {class: "muted", role: "status"})
    this.kinds = {series: new LanesPart("Series", (row) => this.onItem(row)), sounds: new LanesPart("Loudness by pitch", (row) => this.onItem(row)),
      words: new WordsPart((word) => this.choose(word)), columns: new ColumnsPart()}
    this.parts = Object.values(this.kinds)
    this.scroller = h("div", {class: "scroller"}, this.parts.map((part) => part.el), this.note)
    this.el = h("section", {class: "traits", "aria-label": "traits"}, this.head, this.scroller)
    for (const name of Object.keys(this.kinds)) store.on(`telling_${name}`, (values) => this.show(name, values[`telling_${name}`]))
    store.on("telling", ({telling}) => this.begin(telling))
    store.on("selection", ({selection}) => { if (!selection.count) this.mark([]) })
    store.on("theme", () => [this.kinds.series, this.kinds.sounds].forEach((part) => part.lanes.paint()))
    store.on("connected", ({connected}) => { if (connected && this.isOpen) this.store.send({verb: "telling", open: true}) })
  }

  opened() {
    if (this.isOpen) return
    this.isOpen = true
    if (this.number === undefined) this.note.textContent = this.store.get("selection")?.count ? "Looking …" : HINT
    this.store.send({verb: "telling", open: true})
  }

  closed() {
    if (!this.isOpen) return
    this.isOpen = false
    this.store.send({verb: "telling", open: false})
  }

  // What is compared, and how far it is; what is known of an earlier selection stays, paler, until it is known of this one.
  begin({number: of, selected, rest, busy}) {
    this.number = of
    this.el.setAttribute("aria-busy", String(Boolean(busy)))
    for (const part of this.parts) {
      part.el.classList.toggle("stale", part.number !== of)
      if (!busy && part.number !== of) part.el.hidden = true
    }
    if (!selected) {
      fill(this.head)
      this.note.textContent = HINT
      return
    }
    fill(this.head, h("h2", {}, h("i", {class: "dot selected"}), `${number(selected)} selected`), h("span", {class: "muted"}, rest ? "against" : ""),
      rest ? h("span", {}, h("i", {class: "dot rest"}), `${number(rest)} other${rest === 1 ? "" : "s"}`) : null)
    this.note.textContent = busy ? `${busy[0].toUpperCase()}${busy.slice(1)} …` : rest ? "" : "All that is shown is selected: there is nothing to compare it with."
  }

  show(name, told) {
    const part = this.kinds[name]
    part.number = told.number
    part.el.hidden = !part.show(told)
    part.el.classList.toggle("stale", told.number !== this.number)
    if (name === "words") {
      this.only = null
      this.mark(told.words.map(({word}) => word))
    }
  }

  mark(words) {
    this.words = words
    if (words.length || this.store.get("marked")?.length) this.store.set({marked: words})
  }

  // Marks one word alone, or all of them again.
  choose(word) {
    this.only = word === this.only ? null : word
    this.store.set({marked: this.only === null ? this.words : [this.only]})
    this.kinds.words.press(this.only)
  }
}

// Time series, or how loud sounds are.
class LanesPart {
  constructor(title, onPick) {
    this.lanes = new Lanes(onPick)
    this.said = h("p", {class: "muted small"})
    const box = h("input", {type: "checkbox", checked: true, onchange: () => this.lanes.toggle(box.checked)})
    this.switch = h("label", {class: "check"}, box, "examples")
    this.el = h("article", {hidden: true}, h("header", {}, h("h3", {}, title), this.switch), this.lanes.el, this.said)
  }

  show(told) {
    if (!told.lanes) return false
    this.el.hidden = false // before it is drawn: it must have a width
    this.lanes.show(told)
    this.switch.hidden = !told.examples.length
    this.said.textContent = ["line: mean, band: eight of ten", told.more ? `${plural(told.more, "more channel")}, less different` : "", lookedAt(told)].filter(Boolean).join(" · ")
    return true
  }
}

class WordsPart {
  constructor(onWord) {
    this.onWord = onWord
    this.list = h("div", {class: "shares"})
    this.said = h("p", {class: "muted small"})
    this.el = h("article", {hidden: true}, h("header", {}, h("h3", {}, "Words"), h("span", {class: "muted small"}, "share of texts that have them")), this.list, this.said)
  }

  show(told) {
    const about = ({word, selected, rest}) => `“${word}” is in ${inPercent(selected)} of the selected texts and in ${inPercent(rest)} of the others\nclick: mark only this word`
    const rows = shareRows(told.words.map((one) => ({name: one.word, ...one})), (one) => ({title: about(one), "aria-pressed": "false", "data-key": `word-${one.word}`, onclick: () => this.onWord(one.word)}))
    const more = rows.length > FIRST_WORDS + 2 ? button(`${rows.length - FIRST_WORDS} more words`, () => { fill(this.list, rows); more.remove() }, {class: "quiet small", "data-key": "more-words"}) : null
    keepingFocus(this.list, () => fill(this.list, more ? rows.slice(0, FIRST_WORDS) : rows))
    fill(this.said, more, [told.words.length ? "" : "No word is more frequent here than chance would have it.", lookedAt(told)].filter(Boolean).join(" · ") || null)
    return true
  }

  press(word) { for (const el of this.list.children) el.setAttribute("aria-pressed", String(el.getAttribute("data-key") === `word-${word}`)) }
}

class ColumnsPart {
  constructor() {
    this.list = h("div", {})
    this.said = h("p", {class: "muted small"})
    this.el = h("article", {hidden: true}, h("header", {}, h("h3", {}, "Columns"), h("span", {class: "muted small"}, "those that differ most first")), this.list, this.said)
  }

  show(told) {
    if (!told.of) return false
    fill(this.list, told.columns.map((column) => this.column(column)))
    this.said.textContent = told.left ? `${plural(told.left, "column")} still to count` : told.columns.length ? "" : "No column differs more than a selection made blindly would."
    return true
  }

  column(column) {
    return h("section", {class: "differing"},
      h("header", {}, h("b", {class: "name", title: column.name}, named(column.name)), h("span", {class: "muted", title: "0: the same distribution; 1: no value in common"}, `difference ${column.difference.toFixed(2)}`)),
      column.kind === "range" ? this.range(column) : this.values(column),
      column.medians ? h("p", {class: "small"}, h("span", {class: "muted"}, "median "), h("b", {class: "chosen"}, short(column.medians[0])), h("span", {class: "muted"}, ` against ${short(column.medians[1])}`)) : null)
  }

  range({selected, rest, texts, missing}) {
    const top = Math.max(...selected, ...rest) || 1
    const bar = (share, side) => h("i", {class: side, style: {height: share ? `max(1.5px, ${(100 * share) / top}%)` : "0"}})
    const bars = selected.map((share, place) => h("span", {title: `${texts[place]} to ${texts[place + 1]}: ${inPercent(share)} of the selected, ${inPercent(rest[place])} of the others`}, bar(rest[place], "rest"), bar(share, "selected")))
    return [h("div", {class: "pairs"}, bars), h("div", {class: "ends"}, h("span", {}, texts[0]), h("span", {}, texts[texts.length - 1])),
      Math.max(...missing) > 0.005 ? h("div", {class: "shares"}, shareRows([{name: "missing", selected: missing[0], rest: missing[1]}], () => ({}), 1)) : null]
  }

  values({bars, more}) {
    return [h("div", {class: "shares"}, shareRows(bars.map((bar) => ({...bar, name: named(bar.name)})))), more > 0 ? h("p", {class: "muted small"}, `${plural(more, "more value")}, less different`) : null]
  }
}

// Names, each with its share on both sides as two bars, the longest of all as long as there is room, and as numbers.
function shareRows(rows, props = () => ({}), top = Math.max(0.01, ...rows.flatMap(({selected, rest}) => [selected, rest]))) {
  const bar = (share, side) => h("i", {class: side, style: {width: share ? `max(2px, ${(100 * share) / top}%)` : "0"}})
  return rows.map((row) => {
    const own = props(row)
    return h(own.onclick ? "button" : "div", {class: "share-of", ...(own.onclick ? {type: "button"} : {}), ...own}, h("span", {class: "name", title: own.title ? null : row.name}, row.name),
      h("span", {class: "track"}, bar(row.selected, "selected"), bar(row.rest, "rest")), h("span", {class: "chosen"}, inPercent(row.selected)), h("span", {class: "count"}, inPercent(row.rest)))
  })
}

// To the nearest percent; 0 and 100 stand for none and all.
function inPercent(part) {
  const whole = Math.round(100 * part)
  return whole < 1 && part ? "< 1 %" : whole > 99 && part < 1 ? "> 99 %" : `${whole} %`
}

function lookedAt({looked}) {
  if (!looked?.some(Boolean)) return ""
  const most = number(Math.max(...looked.map((count) => count || 0)))
  return looked.every(Boolean) ? `${most} of each side sampled` : `${most} of the ${looked[0] ? "selected" : "others"} sampled`
}

// The words of a text, as the server takes them apart (explorer/insight/words.py).
const A_WORD = /\p{L}{2,}(?:[-'’]\p{L}+)*/gu

// A text in pieces, of which those that are among some words are marked.
function marked(text, words) {
  if (!words?.length || !text) return text
  const wanted = new Set(words)
  const pieces = []
  let end = 0
  for (const found of text.matchAll(A_WORD)) {
    if (!wanted.has(found[0].toLowerCase())) continue
    pieces.push(text.slice(end, found.index), h("mark", {}, found[0]))
    end = found.index + found[0].length
  }
  return pieces.length ? [...pieces, text.slice(end)].filter((piece) => piece !== "") : text
}

// Marks words anew in the texts that are on the page already.
function remark(root, words) {
  for (const el of root.querySelectorAll(".words")) fill(el, marked(el.textContent, words))
}
