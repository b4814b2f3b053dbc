// The page: header, steps, map, selection and labels, and the keys that drive them.

function header(store, dialogs, saving, toggleTheme) {
  const name = h("button", {type: "button", class: "file", title: "What was found in the data", onclick: () => dialogs.data()})
  const summary = h("span", {class: "muted"})
  const kept = h("span", {class: "muted kept", role: "status"})
  const theme = button("Dark", toggleTheme)
  const files = h("a", {class: "muted", hidden: true, title: "Open another file, or go on with an earlier one"}, "All files")
  const out = h("a", {href: "logout", class: "muted", hidden: true, title: "End this login"}, "Log out")
  store.on("data", ({data}) => {
    out.hidden = !data.logout
    files.hidden = !data.start?.files
    if (data.start?.files) files.href = data.start.address
    name.textContent = data.name
    summary.textContent = data.summary + (data.notes.length ? ` · ${data.notes.length} note${data.notes.length > 1 ? "s" : ""}` : "")
  })
  store.on("data connected", ({data, connected}) => {
    kept.textContent = connected === false ? "disconnected: labelling is off until the server is back" : data?.kept || ""
    kept.classList.toggle("bad", connected === false)
  })
  store.on("theme", ({theme: now}) => { theme.textContent = now === "dark" ? "Light" : "Dark" })
  const share = button("Share", () => store.set({share: true}), {title: "Copy a link that opens what you see", hidden: true})
  store.on("data", ({data}) => { share.hidden = !data.served })
  const skip = button("Skip to the map", (event) => event.target.closest(".explorer").querySelector(".map-canvas")?.focus(), {class: "skip"})
  return h("header", {class: "top"}, skip, files, name, summary, h("span", {class: "grow"}), kept, saving.el, out, share, button("Keys", () => dialogs.keys(), {title: "Keys (?)"}), theme,
    button("Export", () => dialogs.export(), {class: "primary"}))
}

// Python closed the view: said on what is left of the page, whatever areas it has.
function closing(store, root) {
  const el = h("p", {class: "closed", role: "alert", hidden: true})
  store.on("closed", ({closed}) => {
    el.hidden = !closed
    el.textContent = closed || ""
    for (const part of root.querySelectorAll(".left, .right, .labelbar, .toolbar, .top .primary, .map")) part.inert = Boolean(closed)
  })
  root.append(el)
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
    n: () => dialogs.newCategory(!store.nothingSelected), delete: () => (!store.nothingSelected ? store.save({verb: "unlabel"}) : dialogs.toast({text: "select something first; then Del removes its labels", tone: "error"})), arrowleft: () => map.panBy(-1, 0),
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

function build(wire) {
  const quiet = new Set(["view", "hover", "hover_off", "items", "columns", "telling", "trust", "weigh", "sprites", "neighbours", "neighbours_off", "overview", "point", "focus_at", "focus_off", "link", "beside_view", "beside_hover", "layouts"]) // nobody asked for these in so many words
  let turn = 0
  const say = (message) => { wire.send({...message, turn: (turn += 1)}); return turn }
  const store = new Store((message) => {
    if (store.get("closed") && message.verb !== "gone") return undefined
    if (store.get("connected") !== false) return say(message)
    if (!quiet.has(message.verb)) dialogs.toast({text: "not sent: the connection is lost; reload the page when the server is back", tone: "error"})
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
  new Crosshair(store, map)
  const beside = new Beside(store, map)
  new Title(store)
  const address = new Address(store, map)
  const copying = new Copying(store, dialogs)
  map.toolbar.after(new Chips(store).el)
  const telling = new Telling(store)
  const right = new Right(store, [["Items", items], ["Columns", new Columns(store)], ["Traits", telling], ["Neighbours", neighbours], ["Trust", new TrustPanel(store, map)], ["Labels", new Desk(store, dialogs)]])
  telling.onItem = (row) => { store.send({verb: "item", row}); right.open("Items") }
  const bar = new LabelBar(store, dialogs)
  const downloads = new Downloads()
  const toast = (message) => dialogs.toast(message)
  const toggleTheme = () => theme.toggle()
  const does = actions(store, map, dialogs)
  const palette = new Palette(store, dialogs, does, () => map.canvas.focus({preventScroll: true}))
  const focus = new Focus(store, palette, player)
  const renaming = new Renaming(store, map, toast)
  map.onRename = (name) => renaming.begin(name)
  Object.assign(does, {"/": () => palette.open(), e: () => focus.open(), c: () => renaming.label(), r: () => renaming.begin(), theme: toggleTheme})
  const root = h("div", {class: "explorer", tabindex: "-1"})
  const cards = ["extract", "reduce", "cluster"].map((kind) => new StepCard(store, kind))
  const weighing = new WeightsDialog(store, dialogs)
  cards[0].onWeigh = () => weighing.open()
  root.append(h("div", {class: "head"}, header(store, dialogs, saving, toggleTheme), trouble(store)),
    h("aside", {class: "left"}, cards.map((card) => card.el), new Legend(store).el), map.el, right.el, bar.el, focus.el, dialogs.el)
  store.on("connected", ({connected}) => {
    root.classList.toggle("offline", connected === false)
    for (const part of root.querySelectorAll(".left, .right, .labelbar, .toolbar, .top .primary")) part.inert = connected === false
    if (connected === false) dialogs.closeAll()
  })
  closing(store, root)
  root.classList.toggle("served", Boolean(wire.served))
  store.on("data", ({data}) => { root.dataset.drawn = data.drawn || "" })
  if (wire.areas && !wire.areas.includes("steps")) map.emptyNote = new Waiting(store)
  only(root, wire.areas)
  stackWhereNarrow(root)
  const theme = new Theme(root, wire.served, (now) => { store.set({theme: now}); map.draw() })

  const onMessage = (message) => {
    if (message.to && message.to !== wire.id) return // one that is shown in two cells hears both
    if (message.set) store.hear(message, wire.id)
    if (message.frame) map.onFrame(message.frame)
    if (message.items) items.onItems(message.items)
    if (message.sound) player.onSound(message.sound)
    if (message.overview) overview.onOverview(message.overview)
    if (message.sprites) for (const one of [marks, beside]) one.onSprites(message.sprites)
    if (message.beside_frame) beside.onFrame(message.beside_frame)
    if (message.ids) copying.copy(message.ids.text, `${number(message.ids.count)} id${message.ids.count === 1 ? "" : "s"}`)
    if (message.saved) saving.onSaved(message.saved)
    if (message.focus) focus.onMessage(message.focus)
    if (message.toast) dialogs.toast(message.toast)
    if (message.part) downloads.onPart(message.part)
  }
  wire.listen(onMessage)

  const onKey = keys(root, store, map, bar, dialogs, focus, does)
  const listening = wire.served ? document : root
  const onRelease = (event) => { if (event.key === " " && map.held) map.onTool(false) }
  listening.addEventListener("keydown", onKey)
  listening.addEventListener("keyup", onRelease)
  contours.follow(root)
  const dropping = wire.served ? new Dropping(store, dialogs) : null
  root.addEventListener("keydown", (event) => { if (event.key === "Tab") root.classList.add("keyboard") })
  root.addEventListener("pointerdown", () => { root.classList.remove("keyboard"); quietLab(root) })
  wire.onLost(() => store.set({connected: false}), () => { store.set({connected: true}); say({verb: "ready"}); saving.again() })
  wire.onGone(() => {
    player.stop()
    theme.end()
    address.end()
    dropping?.end()
    listening.removeEventListener("keydown", onKey)
    listening.removeEventListener("keyup", onRelease)
    store.send({verb: "gone"})
  })
  say({verb: "ready"})
  address.begin(wire.served)
  saving.again()
  return root
}

// Where only some areas are shown, the others are not there for anybody; what is left shares the room.
const PLACES = {header: ".head", steps: ".left .step", colors: ".left .legend", map: ".map", items: ".right", labels: ".labelbar"}

function only(root, areas) {
  const shown = new Set(areas || Object.keys(PLACES))
  for (const [area, place] of Object.entries(PLACES)) {
    if (!shown.has(area)) for (const el of root.querySelectorAll(place)) el.remove()
  }
  const left = shown.has("steps") || shown.has("colors")
  if (!left) root.querySelector(".left").remove()
  const columns = [left && "left", shown.has("map") && "map", shown.has("items") && "right"].filter(Boolean)
  if (columns.length === 3 && shown.has("header") && shown.has("labels")) return
  const rows = [shown.has("header") && "top", columns.length && "middle", shown.has("labels") && "bar"].filter(Boolean)
  const across = Math.max(1, columns.length)
  const wide = {left: columns.length > 1 ? "256px" : "minmax(0, 1fr)", map: "minmax(0, 1fr)", right: shown.has("map") ? "306px" : "minmax(0, 1fr)"}
  root.classList.add("some")
  if (!(shown.has("map") && shown.has("items"))) setApart(root)
  if (!columns.length) root.style.height = "auto"
  root.style.gridTemplateAreas = rows.map((row) => `"${row === "middle" ? columns.join(" ") : Array(across).fill(row).join(" ")}"`).join(" ")
  root.style.gridTemplateRows = rows.map((row) => (row === "middle" ? "minmax(0, 1fr)" : "auto")).join(" ")
  root.style.gridTemplateColumns = columns.map((column) => wide[column]).join(" ") || "minmax(0, 1fr)"
}

// Where there is no map with the items beside it, what covers both lies over what is around.
function setApart(root) {
  const cover = root.querySelector(".focus")
  root.classList.add("apart")
  if (!cover.showPopover) return
  cover.popover = "manual"
  new MutationObserver(() => (cover.hidden ? cover.hidePopover() : cover.showPopover())).observe(cover, {attributeFilter: ["hidden"]})
}

const MEDIUM = 1000 // pixels of the page, under which the items stand below the map: a notebook on a laptop, a page at 150 %
const NARROW = 820 // pixels of the page, under which the map has the whole width and the panels stand below it: a page at 200 %

function stackWhereNarrow(root) {
  const stack = () => {
    const width = root.offsetWidth // with its scroll bar, or its coming would change the order again
    root.classList.toggle("narrow", width > 0 && width < NARROW)
    root.classList.toggle("medium", width >= NARROW && width < MEDIUM)
  }
  new ResizeObserver(stack).observe(root)
}

// The door for Panel and for anywidget.
export default {
  render({model, el, view}) {
    if (model.send_msg) {
      const root = build(panelWire(model, view))
      if (!model.served) root.style.height ||= "100%" // as Panel's layout has it
      return root
    }
    const wire = widgetWire(model)
    const shade = el.attachShadow({mode: "open"}) // the notebook's style stays out, and ours in
    const root = live(wire, el)
    shade.append(h("style", {}, model.get("sheet")), root)
    return () => wire.end()
  },
}

// In a cell: until Python has answered, the still picture is what there is; then that goes and the map comes.
function live(wire, el) {
  const host = h("div", {class: "explorer-cell"})
  el.dataset.explorerCell = wire.still // the still picture's style looks for it
  const silence = new Silence(host, wire.advice)
  const {send, listen} = wire
  wire.send = (message) => { if (message.verb === "view" || message.verb === "ready") silence.asked(); send(message) } // what is always answered
  wire.listen = (onMessage) => listen((message) => {
    if (!silence.answered) {
      host.classList.add("live")
      el.dataset.explorerLive = wire.still
    }
    silence.heard()
    onMessage(message)
  })
  const root = build(wire)
  if (wire.height) root.style.height = `${wire.height}px`
  host.append(root)
  return host
}

// JupyterLab takes single letters as its own commands unless the outermost element asks it not to.
function quietLab(root) {
  let host = root
  while (host.getRootNode() instanceof ShadowRoot) host = host.getRootNode().host
  host.setAttribute("data-lm-suppress-shortcuts", "true")
}
