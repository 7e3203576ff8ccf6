// One module per behaviour; each binds itself to data-* and works on pages that lack it.
import "./menus.js";
import "./keyboard.js";
import "./frames.js";
import "./composer.js";
import "./forms.js";
