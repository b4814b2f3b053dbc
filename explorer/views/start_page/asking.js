// Asking the server, which is on this computer, and telling it what to do; the words for times, sizes and what went wrong.

const GONE = "explorer does not answer: it may have ended. Start it again, then reload this page"

async function heard(answer) {
  let found
  try { found = await (await answer).json() } catch { throw new Error(GONE) }
  if (found.problem) throw new Error(found.problem)
  return found
}

const ask = (what, words = {}) => heard(fetch(`/start/${what}?${new URLSearchParams(words)}`))
const tell = (what, words) => heard(fetch(`/start/${what}`, {method: "POST", body: JSON.stringify(words)}))
const sendPiece = (words, piece, signal) => heard(fetch(`/start/piece?${new URLSearchParams(words)}`, {method: "POST", body: piece, signal}))

const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds) })
const plural = (count, what) => `${number(count)} ${what}${count === 1 ? "" : "s"}`

// For those who do not see the page change.
function announce(text) { document.getElementById("said").textContent = text }

function size(bytes) {
  if (bytes < 1000) return `${bytes} B`
  const units = ["kB", "MB", "GB", "TB"]
  let value = bytes / 1000
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) { value /= 1000; unit += 1 }
  return `${value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

const SPANS = [[60, "second"], [3600, "minute", 60], [86400, "hour", 3600], [86400 * 7, "day", 86400], [Infinity, "date"]]
const WORDS = new Intl.RelativeTimeFormat("en", {numeric: "auto"})

function ago(date) {
  const seconds = Math.max(0, (Date.now() - date) / 1000)
  const [, unit, length] = SPANS.find(([end]) => seconds < end)
  if (unit === "second") return "just now"
  return unit === "date" ? date.toLocaleDateString("en-GB", {day: "numeric", month: "short", year: "numeric"}) : WORDS.format(-Math.round(seconds / length), unit)
}

// A path with its end in sight: that is where it differs from others.
function pathLine(path) {
  return h("span", {class: "path", title: path}, h("bdi", {}, path))
}
