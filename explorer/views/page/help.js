// The card of all keys and gestures.

const HELP = [
  ["Select", [[["L"], "lasso"], [["B"], "box"], [["P"], "paint brush"], [["[", "]"], "narrower, wider brush"], [["A"], "add, on or off"],
    [["S"], "subtract, on or off"], [["Shift + drag"], "add this once"], [["Alt + drag"], "subtract this once"], [["I"], "invert"], [["Esc"], "select nothing"]]],
  ["Look", [[["V"], "pan"], [["Space + drag", "Ctrl + drag"], "pan with any tool"], [["wheel", "+", "−"], "zoom"], [["←", "→", "↑", "↓"], "move"],
    [["F", "double click"], "show everything"]]],
  ["The map without a mouse", [[["Enter"], "select what is at the cross in the middle"], [["Shift + ← → ↑ ↓"], "a box around the cross; Enter selects what is in it"]]],
  ["Point and click", [["an item", "point: what it is; click: select it"], ["a name", "select it; double click: rename"], ["an entry of the legend", "where it is densest"],
    ["the small map", "go there"]]],
  ["Items in tiles", [[["← → ↑ ↓"], "go from one to another"], ["Ctrl + wheel", "larger, smaller"], ["Enter", "what it is"], ["Space", "of a sound: play, stop"]]],
  ["Label", [[["1", "…", "9"], "label the selection"], [["N"], "with a new category"], [["C"], "cluster pointed at: label it"], [["R"], "rename what is pointed at"], [["E"], "focus: item after item"], [["Del"], "remove its labels"], [["Ctrl+Z"], "undo labels and selections"],
    [["Ctrl+Shift+Z"], "redo"]]],
  ["Focus mode", [[["1", "…", "9"], "label it; the next comes"], [["N", "/"], "another or a new category"], [["Space", "→"], "skip"], [["Space"], "of a sound: play, stop"], [["←"], "the item before"],
    [["Del"], "remove its label"], [["Ctrl+Z"], "undo, and back to that item"], [["Esc"], "leave"]]],
  ["Help", [[["/", "Ctrl+K"], "find and do anything"], [["?"], "this card"]]],
]

function helpCard() {
  const line = ([keys, what]) => [h("dt", {}, typeof keys === "string" ? keys : keys.map((key) => (key === "…" ? "… " : h("kbd", {}, key)))), h("dd", {}, what)]
  return h("div", {class: "help"}, HELP.map(([title, lines]) => h("section", {}, h("h3", {}, title), h("dl", {}, lines.map(line)))))
}
