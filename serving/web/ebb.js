// What the pages do beyond links and forms; every page works without it.
document.documentElement.classList.add("js");

const root = document.documentElement;
const isDark = () => getComputedStyle(root).colorScheme === "dark" ||
  (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);

// The switch between light and dark; a cookie tells the server, so that no page flashes.
const toggle = document.querySelector("[data-switch-theme]");
if (toggle) {
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    document.cookie = `ebb_theme=${root.dataset.theme}; Path=/app; Max-Age=31536000; SameSite=Lax`;
    drawAll();
  });
}

// Filters take effect when they are chosen.
for (const form of document.querySelectorAll("form[data-at-once]")) {
  for (const field of form.querySelectorAll("select")) field.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.value === "") field.disabled = true;
  });
  addEventListener("pageshow", () => { for (const field of form.elements) field.disabled = false; });
}

// The list by keyboard: j and k move, Enter opens, / searches.
const rows = [...document.querySelectorAll("[data-rows] > tr")];
let at = -1;
function go(to) {
  if (!rows.length) return;
  rows[at]?.classList.remove("at");
  at = Math.max(0, Math.min(rows.length - 1, to));
  rows[at].classList.add("at");
  const link = rows[at].querySelector("a");
  link?.focus({ preventScroll: true });
  rows[at].scrollIntoView({ block: "nearest" });
}
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input, textarea, select");
  if (typing) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const search = document.querySelector('input[type="search"]');
  if (event.key === "j") go(at + 1);
  else if (event.key === "k") go(at - 1);
  else if (event.key === "/" && search) { search.focus(); search.select(); }
  else return;
  event.preventDefault();
});

// Charts: Vega-Lite specifications of our own, drawn when they come into sight, without eval.
const charts = [...document.querySelectorAll("[data-spec]")];
const ink = (name) => getComputedStyle(root).getPropertyValue(name).trim();
function resolved(name) {
  const probe = document.createElement("span");
  probe.style.color = ink(name);
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
function dressed(spec) {
  const [text, soft, line] = ["--ink", "--soft", "--line"].map(resolved);
  const font = getComputedStyle(document.body).fontFamily;
  const config = spec.config || {};
  const axis = { labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line };
  return {
    ...spec,
    config: {
      ...config, background: "transparent", font,
      view: { ...config.view, stroke: "transparent" },
      axis: { ...config.axis, ...axis }, axisX: { ...config.axisX, ...axis }, axisY: { ...config.axisY, ...axis },
      legend: { ...config.legend, labelColor: soft, titleColor: soft },
      header: { ...config.header, labelColor: text, titleColor: text },
      title: { ...config.title, color: text, subtitleColor: soft },
      text: { fill: text, ...config.text },
    },
  };
}
async function draw(place) {
  try {
    place.spec ??= await (await fetch(place.dataset.spec)).json();
    await vegaEmbed(place, dressed(structuredClone(place.spec)), {
      actions: false, ast: true, renderer: "canvas", defaultStyle: false, tooltip: { disableDefaultStyle: true },
    });
  } catch (error) {
    place.textContent = `The chart could not be drawn: ${error.message}`;
  }
}
function drawAll() {
  if (!window.vegaEmbed) return;
  for (const place of charts) if (place.spec) draw(place);
}
if (charts.length) {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }, { rootMargin: "300px" });
  addEventListener("load", () => { for (const place of charts) seen.observe(place); });
}
