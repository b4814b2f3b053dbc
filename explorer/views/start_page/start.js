// The start page: recent files, samples, this computer's folders, and what is dropped; then what was found in what was chosen.

const THEME = "explorer-theme" // the dashboard's own choice
const main = document.getElementById("main")
let state = null // what the server knows: recent files, samples, limits
let finding = null

const browser = new Browser((source) => choose(source))
browser.onFiles = (files) => upload(files)
const notice = h("p", {class: "notice", role: "status", hidden: true})
const lists = h("div", {class: "side"})
const front = h("div", {class: "front"}, notice, browser.el, lists)

function say(text, wrong = false) {
  Object.assign(notice, {hidden: !text, textContent: text || ""})
  notice.classList.toggle("problem", wrong)
  notice.setAttribute("role", wrong ? "alert" : "status")
}

async function choose(source, roles = {}) {
  say("")
  try {
    const {key} = await tell("read", {source, roles})
    location.hash = `reading=${key}`
  } catch (problem) { say(problem.message, true) }
}

// The lists at the right

function shelf(title, id, body, action = null) {
  return h("section", {class: "card shelf", "aria-labelledby": id}, h("header", {class: "row"}, h("h2", {id}, title), h("span", {class: "grow"}), action), body)
}

function recentRow(one) {
  const facts = [one.items ? `${number(one.items)} ${one.kind || "items"}` : "", one.labels ? plural(one.labels, "label") : "", ago(new Date(one.when))].filter(Boolean).join(" · ")
  const opens = one.there ? () => choose(one.source, one.roles) : null
  return h("li", {class: one.there ? "" : "gone"},
    h("button", {type: "button", class: "entry file", onclick: opens, disabled: !one.there, title: one.source}, h("span", {class: "name"}, one.name, one.there ? null : h("span", {class: "tag"}, "not found")), h("span", {class: "muted facts"}, facts), h("span", {class: "muted"}, pathLine(one.folder))),
    button("×", () => forget({remove: one.source}), {class: "quiet remove", "aria-label": `Remove ${one.name} from the list`, title: "Remove from the list; the file stays"}))
}

async function forget(words) {
  try { await tell("recent", words) } catch (problem) { say(problem.message, true) }
  await refresh()
  lists.querySelector(".shelf.recent button")?.focus()
}

function fillLists() {
  const {recent, samples, open, kept} = state
  const about = kept ? "Files that you open are listed here." : "No list is kept (EXPLORER_RECENT=0)."
  const files = shelf("Recent", "recent-title", recent.length ? h("ul", {class: "entries"}, recent.map(recentRow)) : h("p", {class: "muted"}, about),
    recent.length ? button("Clear", () => forget({clear: true}), {class: "small", "aria-label": "Clear the list of recent files", title: `The list is ${state.list}; the files stay`}) : null)
  files.classList.add("recent")
  fill(lists, open.length ? shelf("Open now", "open-now-title", h("ul", {class: "entries"}, open.map((one) => h("li", {}, h("a", {class: "entry file", href: one.address}, h("span", {class: "name"}, one.name), h("span", {class: "muted"}, pathLine(one.source))))))) : null, files,
    shelf("Samples", "samples-title", h("ul", {class: "entries"}, samples.map((one) => h("li", {}, h("button", {type: "button", class: "entry file", onclick: () => choose(one.source)}, h("span", {class: "name"}, one.title), h("span", {class: "muted about"}, one.about)))))))
}

async function refresh() {
  try { state = await ask("state") } catch (problem) { return say(problem.message, true) }
  fillLists()
}

// What is dropped

let stop = null

async function upload(files) {
  if (stop) return say("something is on its way already; wait for it, or stop it", true)
  finding?.end()
  const total = files.reduce((sum, {file}) => sum + file.size, 0)
  const controller = new AbortController()
  const bar = h("progress", {max: String(total || 1), value: 0, "aria-label": "upload"})
  const far = h("span", {class: "muted"})
  const name = files.length === 1 ? files[0].path : `${number(files.length)} files`
  const title = h("h2", {class: "what", tabindex: "-1"}, `Copying ${name}`)
  stop = () => controller.abort()
  fill(main, h("div", {class: "finding"}, h("div", {class: "heading"}, h("div", {class: "grow"}, title, h("p", {class: "muted place"}, pathLine(state?.dropped || "")))),
    h("section", {class: "card waiting", "aria-label": "copying"}, bar, h("div", {class: "row"}, far, h("span", {class: "grow"}), button("Stop", () => stop?.())))))
  title.focus()
  const show = (sent) => { bar.value = sent; far.textContent = `${size(sent)} of ${size(total)}` }
  let key = null
  try {
    ({key} = await tell("drop", {files: files.map(({path, file}) => ({path, size: file.size}))}))
    await sendAll(key, files, controller.signal, show)
    const {source} = await tell("dropped", {key})
    key = null
    stop = null
    await choose(source)
    if (!notice.hidden) showFront() // it could not even be begun
  } catch (problem) {
    const stopped = controller.signal.aborted
    stop = null
    if (key) tell("undrop", {key}).catch(() => {})
    location.hash = ""
    showFront()
    say(stopped ? "Stopped; nothing of it was kept." : problem.message, !stopped)
  }
}

async function sendAll(key, files, signal, show) {
  let sent = 0
  show(0)
  for (const [place, {file}] of files.entries()) {
    for (let at = 0; at < file.size; at += state.piece) {
      signal.throwIfAborted()
      const piece = file.slice(at, Math.min(at + state.piece, file.size))
      await sendPiece({key, file: place, at}, piece, signal)
      sent += piece.size
      show(sent)
    }
  }
}

// The whole page takes what is dropped; in a window of its own Python does, which knows where a file lies.
const over = document.getElementById("over")
let depth = 0
document.addEventListener("dragenter", (event) => { if (carriesFiles(event)) { depth += 1; over.hidden = false } })
document.addEventListener("dragleave", (event) => { if (carriesFiles(event)) { depth = Math.max(0, depth - 1); over.hidden = depth === 0 } })
document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault() })
document.addEventListener("drop", async (event) => {
  if (!carriesFiles(event)) return
  event.preventDefault()
  depth = 0
  over.hidden = true
  if (window.pywebview && event.dataTransfer.items.length === 1) return
  const files = await droppedFiles(event.dataTransfer).catch(() => [])
  if (files.length) upload(files)
  else { location.hash = ""; showFront(); say("nothing in there could be read; drop a file or a folder", true) }
})

// Files that were dropped onto a dashboard, which opened this tab for them.
function takeDropped() {
  window.addEventListener("message", (event) => {
    if (event.source !== window.opener || event.origin !== location.origin || event.data?.explorer !== "dropped") return
    history.replaceState(null, "", "#")
    upload(event.data.files.filter(({path, file}) => typeof path === "string" && file instanceof File))
  }, {once: true})
  window.opener?.postMessage({explorer: "ready"}, location.origin)
}

// The two views, by the address's end

function showFront() {
  finding?.end()
  finding = null
  document.title = "explorer"
  fill(main, front)
}

async function show() {
  const key = /^#reading=([0-9a-f]+)$/.exec(location.hash)?.[1]
  if (key) {
    if (finding?.key === key && !finding.ended) return
    finding?.end()
    finding = new Finding(key, () => { location.hash = "" })
    fill(main, finding.el)
    finding.title.focus()
    await finding.follow()
    return
  }
  showFront()
  say(location.hash === "#gone" ? "That is not open on this server any more: choose it again, its labels are where they were." : "")
  await refresh()
  if (!browser.folder) {
    let folder = null
    try { folder = sessionStorage.getItem("explorer-folder") } catch { folder = null }
    await browser.show(folder || state?.home || "")
  }
  if (document.activeElement === document.body) browser.field.focus()
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme
  document.getElementById("theme").textContent = theme === "dark" ? "Light" : "Dark"
}

let theme = null
try { theme = localStorage.getItem(THEME) } catch { theme = null }
setTheme(theme === "dark" || theme === "light" ? theme : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")
document.getElementById("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme === "dark" ? "light" : "dark"
  setTheme(now)
  try { localStorage.setItem(THEME, now) } catch { /* a private window keeps nothing */ }
})

window.addEventListener("hashchange", show)
window.addEventListener("pageshow", (event) => { if (event.persisted) refresh() })
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && finding) location.hash = "" })
show().then(() => { if (location.hash === "#dropped") takeDropped() })
