// The page: header, steps, map, selection and labels, and the keys that drive them.

const THEME = "explorer-theme"

function header(store, dialogs, saving, setTheme) {
  const name = h("button", {type: "button", class: "file", title: "What was found in the data", onclick: () => dialogs.data()})
  const summary = h("span", {class: "muted"})
  const kept = h("span", {class: "muted kept", role: "status"})
  const theme = button("Dark", () => setTheme(null))
  const out = h("a", {href: "logout", class: "muted", hidden: true, title: "End this login"}, "Log out")
  store.on("data", ({data}) => {
    out.hidden = !data.logout
    name.textContent = data.name
    summary.textContent = data.summary + (data.notes.length ? ` · ${data.notes.length} note${data.notes.length > 1 ? "s" : ""}` : "")
    if (data.served) document.title = `${data.name} · explorer`
  })
  store.on("data connected", ({data, connected}) => {
    kept.textContent = connected === false ? "disconnected: labelling is off until the server is back" : data?.kept || ""
    kept.classList.toggle("bad", connected === false)
  })
  store.on("theme", ({theme: now}) => { theme.textContent = now === "dark" ? "Light" : "Dark" })
  return h("header", {class: "top"}, name, summary, h("span", {class: "grow"}), kept, saving.el, out, button("Keys", () => dialogs.keys(), {title: "Keys (?)"}), theme,
    button("Export", () => dialogs.export(), {class: "primary"}))
}

// Why labels cannot be saved now; there while it is so.
function trouble(store) {
  const el = h("p", {class: "trouble", role: "alert", hidden: true})
  store.on("trouble", ({trouble: why}) => { el.hidden = !why; el.textContent = why || "" })
  return el
}

// What keys do; the palette does it too.
function actions(store, map, dialogs) {
  const tools = map.tools
  return {l: () => tools.setTool("lasso"), b: () => tools.setTool("box"), p: () => tools.setTool("paint"), v: () => tools.setTool("pan"),
    a: () => tools.toggleMode("add"), s: () => tools.toggleMode("subtract"), i: () => store.send({verb: "invert"}), "[": () => tools.widen(1 / 1.25),
    "]": () => tools.widen(1.25), f: () => map.fit(), "+": () => map.zoomBy(1 / 1.5),
    "=": () => map.zoomBy(1 / 1.5), "-": () => map.zoomBy(1.5), escape: () => (store.get("item") ? store.set({item: null}) : store.send({verb: "clear"})), "?": () => dialogs.keys(),
    n: () => dialogs.newCategory(Boolean(store.get("selection")?.count)), delete: () => (store.get("selection")?.count ? store.save({verb: "unlabel"}) : dialogs.toast({text: "select something first; then Del removes its labels", tone: "error"})), arrowleft: () => map.panBy(-1, 0),
    arrowright: () => map.panBy(1, 0), arrowup: () => map.panBy(0, -1), arrowdown: () => map.panBy(0, 1),
    undo: () => store.save({verb: "undo"}), redo: () => store.save({verb: "redo"}), export: () => dialogs.export(), picture: () => dialogs.export(true)}
}

function keys(root, store, map, bar, dialogs, focus, plain) {
  return (event) => {
    const at = event.composedPath()[0]
    if (focus.isOpen && !dialogs.isOpen) {
      if (focus.onKey(event)) { event.preventDefault(); event.stopPropagation() }
      return
    }
    if (dialogs.isOpen || store.get("connected") === false || at.matches?.("input:not([type=range]):not([type=checkbox]), textarea, select")) return
    const key = event.key.toLowerCase()
    let done = true
    if ((event.ctrlKey || event.metaKey) && key === "z") store.save({verb: event.shiftKey ? "redo" : "undo"})
    else if ((event.ctrlKey || event.metaKey) && key === "y") store.save({verb: "redo"})
    else if ((event.ctrlKey || event.metaKey) && key === "k") plain["/"]()
    else if (event.ctrlKey || event.metaKey || event.altKey) done = false
    else if (/^[1-9]$/.test(key)) bar.labelByKey(Number(key))
    else if (key === " ") done = at === map.canvas || at === root || at === document.body
    else if (key.startsWith("arrow") && at !== map.canvas && at !== root && at !== document.body) done = false
    else if (plain[key]) plain[key]()
    else done = false
    if (done && key === " ") map.onTool(true)
    if (done) { event.preventDefault(); event.stopPropagation() }
  }
}

export function render({model, el, view}) {
  const quiet = new Set(["view", "hover", "items", "columns", "telling", "weigh", "sprites", "neighbours", "neighbours_off", "overview", "point", "focus_at", "focus_off"]) // nobody asked for these in so many words
  const store = new Store((message) => {
    if (store.get("connected") !== false) model.send_msg(message)
    else if (!quiet.has(message.verb)) dialogs.toast({text: "not sent: the connection is lost; reload the page when the server is back", tone: "error"})
  })
  const map = new MapView(store)
  const dialogs = new Dialogs(store)
  const saving = new Saving(store, (message) => dialogs.toast(message))
  const player = new Player(store, (message) => dialogs.toast(message))
  const items = new Items(store, player)
  const neighbours = new Neighbours(store, map)
  const marks = new Marks(store, map)
  const contours = new Contours(store, map)
  const overview = new Overview(store, map)
  const copying = new Copying(store, dialogs)
  map.toolbar.after(new Chips(store).el)
  const telling = new Telling(store)
  const right = new Right(store, [["Items", items], ["Columns", new Columns(store)], ["Traits", telling], ["Neighbours", neighbours], ["Labels", new Desk(store, dialogs)]])
  telling.onItem = (row) => { store.send({verb: "item", row}); right.open("Items") }
  const bar = new LabelBar(store, dialogs)
  const downloads = new Downloads()
  const toast = (message) => dialogs.toast(message)
  const does = actions(store, map, dialogs)
  const palette = new Palette(store, dialogs, does, () => map.canvas.focus({preventScroll: true}))
  const focus = new Focus(store, palette, player)
  const renaming = new Renaming(store, map, toast)
  map.onRename = (name) => renaming.begin(name)
  Object.assign(does, {"/": () => palette.open(), e: () => focus.open(), c: () => renaming.label(), r: () => renaming.begin(), theme: () => setTheme(null)})
  const root = h("div", {class: "explorer", tabindex: "-1"})
  const setTheme = (theme) => {
    const now = theme || (root.dataset.theme === "dark" ? "light" : "dark")
    root.dataset.theme = now
    if (!theme) { try { localStorage.setItem(THEME, now) } catch { /* a private window keeps nothing */ } }
    store.set({theme: now})
    map.draw()
  }
  const cards = ["extract", "reduce", "cluster"].map((kind) => new StepCard(store, kind))
  const weighing = new WeightsDialog(store, dialogs)
  cards[0].onWeigh = () => weighing.open()
  root.append(h("div", {class: "head"}, header(store, dialogs, saving, setTheme), trouble(store)),
    h("aside", {class: "left"}, cards.map((card) => card.el), new Legend(store).el), map.el, right.el, bar.el, focus.el, dialogs.el)
  store.on("connected", ({connected}) => {
    root.classList.toggle("offline", connected === false)
    for (const part of root.querySelectorAll(".left, .right, .labelbar, .toolbar, .top .primary")) part.inert = connected === false
    if (connected === false) dialogs.closeAll()
  })
  store.on("data", ({data}) => { root.classList.toggle("served", data.served); root.dataset.drawn = data.drawn || "" })
  let chosen = null
  try { chosen = localStorage.getItem(THEME) } catch { chosen = null }
  setTheme(chosen === "dark" || chosen === "light" ? chosen : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")

  const onMessage = (message) => {
    if (message.set) store.set(message.set)
    if (message.frame) map.onFrame(message.frame)
    if (message.items) items.onItems(message.items)
    if (message.sound) player.onSound(message.sound)
    if (message.overview) overview.onOverview(message.overview)
    if (message.sprites) marks.onSprites(message.sprites)
    if (message.ids) copying.copy(message.ids.text, `${number(message.ids.count)} id${message.ids.count === 1 ? "" : "s"}`)
    if (message.saved) saving.onSaved(message.saved)
    if (message.focus) focus.onMessage(message.focus)
    if (message.toast) dialogs.toast(message.toast)
    if (message.part) downloads.onPart(message.part)
  }
  model.on("msg:custom", onMessage)

  const onKey = keys(root, store, map, bar, dialogs, focus, does)
  const listening = model.served ? document : root
  const onRelease = (event) => { if (event.key === " " && map.held) map.onTool(false) }
  listening.addEventListener("keydown", onKey)
  listening.addEventListener("keyup", onRelease)
  contours.follow(root)
  root.addEventListener("keydown", (event) => { if (event.key === "Tab") root.classList.add("keyboard") })
  root.addEventListener("pointerdown", () => { root.classList.remove("keyboard"); quietLab(root) })
  const page = view?.model?.document
  page?.on_event?.("connection_lost", () => store.set({connected: false}))
  page?.on_event?.("client_reconnected", () => { store.set({connected: true}); model.send_msg({verb: "ready"}); saving.again() })
  model.on("lifecycle:remove", () => { player.stop(); listening.removeEventListener("keydown", onKey); listening.removeEventListener("keyup", onRelease) })
  model.send_msg({verb: "ready"})
  saving.again()
  return root
}

// JupyterLab takes single letters as its own commands unless the outermost element asks it not to.
function quietLab(root) {
  let host = root
  while (host.getRootNode() instanceof ShadowRoot) host = host.getRootNode().host
  host.setAttribute("data-lm-suppress-shortcuts", "true")
}
