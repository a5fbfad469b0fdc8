"use strict";
(async () => {
  const app = document.getElementById("app");
  const source = document.getElementById("data");
  const root = document.documentElement;
  document.getElementById("print").addEventListener("click", () => window.print());
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  const ties = document.querySelector(".ties");
  if (matchMedia("(max-width: 640px)").matches) ties.open = false;
  addEventListener("beforeprint", () => { ties.open = true; });

  const read = async () => {
    if (source.dataset.encoding === "plain") return JSON.parse(source.textContent);
    const bytes = Uint8Array.from(atob(source.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };
  const D = await read();
  source.remove();

  const T = (name, values = {}) => (D.texts[name] ?? name).replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
  const named = (group, name) => D.texts[`${group}.${name}`] ?? name;
  const P = D.positions, I = D.invoices, S = D.strings;
  const total = P.id.length;
  const pairNames = { left: named("side", D.pair[0]), right: named("side", D.pair[1]) };
  const OPEN = new Set(["differs", "only_left", "only_right", "refused"]);

  const moneyFormats = new Map();
  const money = (cents, currency, sign = false) => {
    if (cents === null || cents === undefined) return "–";
    const digits = D.digits[currency];
    if (!moneyFormats.has(currency)) {
      moneyFormats.set(currency, new Intl.NumberFormat(D.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
    }
    const text = `${moneyFormats.get(currency).format(cents / 10 ** digits)}\u00a0${currency}`;
    return sign && cents > 0 ? `+${text}` : text;
  };
  // Exact decimals arrive as text: only their separators are the language's, their digits stay.
  const parts = new Intl.NumberFormat(D.locale).formatToParts(-12345.6);
  const part = (type) => parts.find((p) => p.type === type)?.value ?? "";
  const exact = (text) => {
    if (text === null || text === undefined) return "";
    const [, sign, whole, rest] = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text) ?? [];
    if (whole === undefined) return String(text);
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, part("group"));
    const digits = (rest ?? "").replace(/0+$/, "");
    return sign + grouped + (digits ? part("decimal") + digits : "");
  };
  const count = (n) => new Intl.NumberFormat(D.locale).format(n);
  const counted = (name, n, shown) => {
    const [one, several] = T(`count.${name}`).split("|");
    const single = D.locale.startsWith("en") ? Number(n) === 1 : Math.abs(Number(n)) < 2;
    return (single ? one : several).replace("{n}", shown);
  };
  const dayFormat = new Intl.DateTimeFormat(D.locale, { dateStyle: "medium", timeZone: "UTC" });
  const day = (text) => dayFormat.format(new Date(`${text}T00:00:00Z`));

  const el = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (key === "value") node.value = value;
      else node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
    return node;
  };

  // --- rows: everything a filter looks at, ready in arrays ------------------------------------------------------
  const customerOf = (p) => I.customer[P.invoice[p]];
  const currencyOf = (p) => I.currency[P.invoice[p]];
  const nameOf = (p) => {
    const kind = named("kind", S[P.kind[p]]);
    const label = S[P.label[p]];
    return label ? T("position.name", { kind, label }) : kind;
  };
  const aged = P.age.some((days) => days !== null);
  const ageOf = (p) => P.age[p] === null ? "" : D.ages.find(([, most]) => most === null || P.age[p] <= most)[0];
  const text = new Array(total);
  const haystack = (p) => (text[p] ??= [
    D.customers[customerOf(p)].join(" "), I.number[P.invoice[p]], nameOf(p), S[P.service[p]], P.id[p],
  ].join(" ").toLocaleLowerCase(D.locale));
  const byInvoice = I.id.map(() => []);
  for (let p = 0; p < total; p++) byInvoice[P.invoice[p]].push(p);
  const indexOf = new Map(P.id.map((id, p) => [id, p]));
  const invoiceIndex = new Map(I.id.map((id, i) => [id, i]));

  // --- state lives in the address, so that every view is a permalink --------------------------------------------
  const DEFAULTS = { view: "lines", q: "", cause: "", side: "", customer: "", service: "", age: "", min: "", open: "1", material: "", sort: "delta", dir: "desc" };
  const parse = () => ({ ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(location.hash.slice(1))) });
  const link = (state) => {
    const changed = Object.entries(state).filter(([key, value]) => DEFAULTS[key] !== value && value !== undefined);
    return `#${new URLSearchParams(changed)}` || "#";
  };
  const keep = (state) => Object.fromEntries(Object.keys(DEFAULTS).map((key) => [key, state[key]]));
  let limit = 100;

  const filtered = (state) => {
    const words = state.q.toLocaleLowerCase(D.locale).split(/\s+/).filter(Boolean);
    const min = Number(state.min || 0);
    const found = [];
    for (let p = 0; p < total; p++) {
      if (state.open && !OPEN.has(P.status[p])) continue;
      const size = Math.abs(P.delta[p]);
      if (state.material && size < D.materiality) continue;
      if (min && size < min * 10 ** D.digits[currencyOf(p)]) continue;
      if (state.age && ageOf(p) !== state.age) continue;
      if (state.customer && D.customers[customerOf(p)][0] !== state.customer) continue;
      if (state.service && S[P.service[p]] !== state.service) continue;
      if (state.cause && !P.findings[p].some((f) => f[0] === state.cause)) continue;
      if (state.side && !P.findings[p].some((f) => f[1] === state.side)) continue;
      if (words.length && !words.every((word) => haystack(p).includes(word))) continue;
      found.push(p);
    }
    return found;
  };

  // --- list ------------------------------------------------------------------------------------------------------
  const SORTS = {
    age: (a, b) => (P.age[a] ?? -1) - (P.age[b] ?? -1),
    delta: (a, b) => Math.abs(P.delta[a]) - Math.abs(P.delta[b]),
    customer: (a, b) => customerOf(a) - customerOf(b),
    invoice: (a, b) => P.invoice[a] - P.invoice[b],
    line: (a, b) => nameOf(a).localeCompare(nameOf(b), D.locale),
    date: (a, b) => (I.day[P.invoice[a]] < I.day[P.invoice[b]] ? -1 : I.day[P.invoice[a]] > I.day[P.invoice[b]] ? 1 : 0),
  };
  const heading = (state, name, label, numeric = false) => {
    const active = state.sort === name;
    const next = { ...keep(state), sort: name, dir: active && state.dir === "desc" ? "asc" : "desc" };
    const arrow = active ? (state.dir === "desc" ? " ↓" : " ↑") : "";
    const order = active ? (state.dir === "desc" ? "descending" : "ascending") : "none";
    return el("th", { scope: "col", class: numeric ? "n" : null, "aria-sort": order },
      el("button", { class: "head", type: "button", onclick: () => go(next) }, label + arrow));
  };
  const head = (label, numeric = false) => el("th", { scope: "col", class: numeric ? "n" : null }, label);
  const cell = (label, content, numeric = false) => el("td", { "data-label": label, class: numeric ? "n" : null }, content);
  const statusName = (p) => T(`status.${P.status[p]}`, pairNames);
  const badge = (p) => {
    const waived = P.findings[p].length > 0 && P.findings[p].every((f) => f[6]);
    return el("span", { class: `badge ${waived ? "waived" : P.status[p]}` }, statusName(p));
  };
  const causesOf = (p) => [...new Set(P.findings[p].map((f) => named("cause", f[0])))].join(", ");

  const more = (all, shown, render) => all > shown
    ? el("p", { class: "more" }, el("button", { type: "button", onclick: () => { limit += 400; render(); } }, `${T("more")} (${count(all - shown)})`))
    : null;

  const lines = (state, rows) => {
    const sign = state.dir === "asc" ? 1 : -1;
    const compare = SORTS[state.sort] ?? SORTS.delta;
    rows.sort((a, b) => sign * compare(a, b) || a - b);
    const body = rows.slice(0, limit).map((p) => el("tr", {},
      el("th", { scope: "row" }, el("a", { href: `#line=${P.id[p]}` }, nameOf(p))),
      cell(T("customer"), D.customers[customerOf(p)][1]),
      cell(T("invoice"), el("a", { href: `#invoice=${encodeURIComponent(I.id[P.invoice[p]])}` }, I.number[P.invoice[p]] || "–")),
      cell(T("date"), day(I.day[P.invoice[p]])),
      cell(pairNames.left, money(P[D.pair[0]][p], currencyOf(p)), true),
      cell(pairNames.right, money(P[D.pair[1]][p], currencyOf(p)), true),
      cell(T("difference"), money(P.delta[p], currencyOf(p), true), true),
      cell(T("cause"), causesOf(p)),
      aged && cell(T("age"), P.age[p] === null ? "–" : counted("days", P.age[p], count(P.age[p])), true),
      cell(T("status"), badge(p))));
    return [el("table", { class: "cards" },
      el("thead", {}, el("tr", {}, heading(state, "line", T("line")), heading(state, "customer", T("customer")),
        heading(state, "invoice", T("invoice")), heading(state, "date", T("date")), head(pairNames.left, true), head(pairNames.right, true),
        heading(state, "delta", T("difference"), true), head(T("cause")), aged && heading(state, "age", T("age"), true), head(T("status")))),
      el("tbody", {}, body)), more(rows.length, body.length, () => render())];
  };

  const sums = (rows, keyOf) => {
    const groups = new Map();
    for (const p of rows) {
      const key = keyOf(p), currency = currencyOf(p), id = `${key}|${currency}`;
      const sum = groups.get(id) ?? { key, currency, first: p, number: 0, left: 0, right: 0, delta: 0 };
      sum.number += 1;
      sum.left += P[D.pair[0]][p] ?? 0;
      sum.right += P[D.pair[1]][p] ?? 0;
      sum.delta += P.delta[p];
      groups.set(id, sum);
    }
    return [...groups.values()].sort((a, b) => Math.abs(b.delta) - Math.abs(a.delta) || a.first - b.first);
  };
  const grouped = (state, rows, keyOf, label, anchor) => {
    const all = sums(rows, keyOf);
    const body = all.slice(0, limit).map((g) => el("tr", {},
      el("th", { scope: "row" }, anchor(g)),
      cell(T("positions"), count(g.number), true), cell(pairNames.left, money(g.left, g.currency), true),
      cell(pairNames.right, money(g.right, g.currency), true), cell(T("difference"), money(g.delta, g.currency, true), true)));
    return [el("table", { class: "cards" },
      el("thead", {}, el("tr", {}, head(label), head(T("positions"), true), head(pairNames.left, true), head(pairNames.right, true), head(T("difference"), true))),
      el("tbody", {}, body)), more(all.length, body.length, () => render())];
  };
  const invoices = (state, rows) => grouped(state, rows, (p) => P.invoice[p], T("invoice"), (g) => [
    el("a", { href: `#invoice=${encodeURIComponent(I.id[g.key])}` }, I.number[g.key] || I.id[g.key]), " ",
    el("small", {}, `${D.customers[I.customer[g.key]][1]} · ${day(I.day[g.key])}`)]);
  const customers = (state, rows) => grouped(state, rows, customerOf, T("customer"), (g) => [
    el("a", { href: link({ ...keep(state), view: "invoices", customer: D.customers[g.key][0] }) }, D.customers[g.key][1]), " ",
    el("small", {}, D.customers[g.key][0])]);
  const services = (state, rows) => grouped(state, rows, (p) => S[P.service[p]], T("service"), (g) => [
    el("a", { href: link({ ...keep(state), view: "lines", service: g.key }) }, g.key || "–")]);
  const VIEWS = { lines, invoices, customers, services };

  // --- filters -----------------------------------------------------------------------------------------------------
  const choose = (state, name, label, options) => el("label", {}, label,
    el("select", { "data-filter": name, onchange: (e) => change({ [name]: e.target.value }) },
      el("option", { value: "" }, T("all")),
      options.map(([value, shown]) => el("option", { value, selected: state[name] === value }, shown))));
  const causeNames = [...new Set(P.findings.flatMap((list) => list.map((f) => f[0])))].sort();
  const sideNames = [...new Set(P.findings.flatMap((list) => list.map((f) => f[1])))].sort();
  const serviceNames = [...new Set(P.service)].map((s) => S[s]).filter(Boolean).sort();
  const check = (state, name, label) => el("label", { class: "check" },
    el("input", { type: "checkbox", "data-filter": name, checked: Boolean(state[name]), onchange: (e) => change({ [name]: e.target.checked ? "1" : "" }) }), label);
  const filters = (state) => el("form", { class: "filters", role: "search", onsubmit: (e) => e.preventDefault() },
    el("label", {}, T("search"), el("input", { type: "search", "data-filter": "q", placeholder: T("search.hint"), value: state.q, oninput: (e) => change({ q: e.target.value }) })),
    choose(state, "cause", T("cause"), causeNames.map((c) => [c, named("cause", c)])),
    choose(state, "side", T("wrong_side"), sideNames.map((s) => [s, named("side", s)])),
    choose(state, "service", T("service"), serviceNames.map((s) => [s, s])),
    choose(state, "customer", T("customer"), D.customers.map(([id, name]) => [id, name])),
    aged && choose(state, "age", T("age"), D.ages.map(([name]) => [name, named("age", name)])),
    el("label", {}, T("at_least"), el("input", { type: "number", min: "0", step: "any", "data-filter": "min", value: state.min, oninput: (e) => change({ min: e.target.value }) })),
    check(state, "open", T("only_open")),
    D.materiality > 0 && check(state, "material", T("only_material")),
    el("button", { type: "button", onclick: () => go({ ...DEFAULTS, view: parse().view }, true) }, T("reset")));

  // --- one invoice ---------------------------------------------------------------------------------------------------
  const stepsTable = (steps, currency) => el("table", {}, el("tbody", {}, steps.map(([label, units, price, flat, amount]) => el("tr", {},
    el("td", {}, S[label]),
    el("td", { class: "n" }, [units !== null && exact(units), price !== null && `× ${exact(price)}`, flat !== null && `+ ${exact(flat)}`].filter(Boolean).join(" ")),
    el("td", { class: "n" }, amount === null ? "" : exact(amount))))));
  const column = (p, side) => {
    const cents = P[side][p], detail = D.details[p]?.[side], currency = currencyOf(p);
    const facts = detail ? [
      detail.units !== undefined && `${counted("units", detail.units, exact(detail.units))}`,
      detail.events !== undefined && `${counted("events", detail.events, count(detail.events))}`,
      detail.lines > 1 && T("grouped", { n: detail.lines }),
    ].filter(Boolean).join(" · ") : "";
    const empty = cents === null ? T("silent") : !P.header[p] && detail?.lines === 0 ? T("unbilled") : null;
    return el("div", { class: "column" },
      el("h4", { class: `name ${side}` }, named("side", side)),
      el("p", { class: "amount" }, money(cents, currency)),
      empty && el("p", { class: "quiet" }, empty),
      facts && el("p", {}, facts),
      detail?.source && el("p", {}, el("small", {}, detail.source)),
      detail?.steps && stepsTable(detail.steps, currency));
  };
  const finding = ([cause, side, delta, proven, evidence, remedy, waiver], currency) => el("div", { class: `finding ${waiver ? "waived" : ""}` },
    el("p", {}, el("strong", {}, named("cause", cause)), " ", el("span", { class: `side ${side}` }, named("side", side)), " ",
      money(delta, currency, true), " ", el("small", {}, proven ? T("proven") : T("not_proven"))),
    evidence.map((e) => el("p", {}, S[e])),
    remedy !== null && el("p", {}, el("small", {}, `${T("remedy")}: `), S[remedy]),
    waiver && el("p", {}, T("waived_by", { rule: waiver })));
  const position = (p, open) => {
    const currency = currencyOf(p), extra = D.details[p];
    const body = el("div", { class: "body" });
    const fill = () => {
      if (body.childNodes.length) return;
      body.append(el("p", { class: "quiet" }, named("reading", P.verdict[p])),
        ...P.findings[p].map((f) => finding(f, currency)),
        el("div", { class: "sides" }, D.sides.map((side) => column(p, side))));
      if (extra?.age !== undefined) body.append(el("p", {}, S[extra.age]));
      if (extra?.looks) body.append(el("p", {}, T("lookalike"), " ", extra.looks.map((id) => [el("a", { href: `#line=${id}` }, nameOf(indexOf.get(id))), " "])));
      if (D.trimmed && !OPEN.has(P.status[p])) body.append(el("p", { class: "quiet" }, T("steps.left_out")));
      body.append(el("p", { class: "keys" }, el("a", { href: `#line=${P.id[p]}` }, T("permalink")),
        extra?.key && el("small", {}, Object.entries(extra.key).map(([k, v]) => `${named("key", k)} ${named("kind", v)}`).join(" · "))));
    };
    const node = el("details", { class: "position", id: `p${P.id[p]}`, open },
      el("summary", {}, el("span", { class: "grow" }, nameOf(p)), badge(p),
        el("span", { class: "n three" }, D.sides.map((side) => el("span", {}, el("small", { class: `name ${side}` }, named("side", side)), ` ${money(P[side][p], currency)}`))),
        P.delta[p] !== 0 && el("strong", { class: "n bad" }, money(P.delta[p], currency, true))),
      body);
    node.addEventListener("toggle", () => node.open && fill());
    if (open) fill();
    return node;
  };
  const invoicePage = (i, target) => {
    const own = byInvoice[i], currency = I.currency[i];
    const sum = (side) => own.reduce((a, p) => (a === null || (P[side][p] === null && P.status[p] !== "outside") ? null : a + (P[side][p] ?? 0)), 0);
    const page = el("div", {},
      el("p", {}, el("a", { href: link(last) }, `← ${T("back")}`)),
      el("h3", {}, `${T("invoice")} ${I.number[i] || I.id[i]}`),
      el("p", { class: "facts" }, el("span", {}, el("a", { href: link({ ...DEFAULTS, view: "invoices", open: "", customer: D.customers[I.customer[i]][0] }) }, D.customers[I.customer[i]][1])),
        el("span", {}, day(I.day[i])), el("span", {}, named("type", I.type[i])), el("span", {}, named("state", I.state[i]))),
      el("div", { class: "sides" }, D.sides.map((side) => el("div", { class: "column" }, el("h4", { class: `name ${side}` }, named("side", side)),
        el("p", { class: "amount" }, own.some((p) => P[side][p] !== null) ? money(sum(side), currency) : "–")))),
      I.refusals[i].map(([side, reason, detail, waiver]) => el("div", { class: `finding ${waiver ? "waived" : ""}` }, el("p", {}, el("strong", {}, reason), " ", el("span", { class: `side ${side}` }, named("side", side))), el("p", {}, detail))),
      own.map((p) => position(p, p === target || (target === undefined && OPEN.has(P.status[p]) && own.length < 30))));
    return page;
  };

  // --- routing -------------------------------------------------------------------------------------------------------
  let last = { ...DEFAULTS };
  const list = el("div", { class: "scroll", "aria-live": "polite" });
  const note = el("p", { class: "quiet" });
  const go = (state, rebuild = false) => {
    if (rebuild) app.replaceChildren();
    const target = link(state);
    if (location.hash === target || (target === "#" && !location.hash)) show(); else location.hash = target;
  };
  const change = (values) => {
    limit = 100;
    history.replaceState(null, "", link({ ...keep(parse()), ...values }));
    render();
  };
  const tabs = el("nav", { class: "tabs" });
  const render = () => {
    const state = parse();
    last = keep(state);
    tabs.replaceChildren(...Object.keys(VIEWS).map((view) => el("a", { href: link({ ...keep(state), view, q: state.q }), "aria-current": state.view === view ? "true" : null }, T(view))));
    const rows = filtered(state);
    note.textContent = rows.length ? T("shown", { n: count(rows.length) }) : T("none");
    list.replaceChildren(...(rows.length ? (VIEWS[state.view] ?? lines)(state, rows).filter(Boolean) : []));
  };
  const show = () => {
    const query = new URLSearchParams(location.hash.slice(1));
    const p = query.has("line") ? indexOf.get(query.get("line")) : undefined;
    const i = p !== undefined ? P.invoice[p] : query.has("invoice") ? invoiceIndex.get(query.get("invoice")) : undefined;
    if (i !== undefined) {
      app.replaceChildren(invoicePage(i, p));
      const hit = p !== undefined ? document.getElementById(`p${P.id[p]}`) : null;
      hit?.classList.add("hit");
      (hit ?? app).scrollIntoView({ block: "start" });
      return;
    }
    const state = parse();
    if (!app.contains(list)) app.replaceChildren(tabs, filters(state), note, list);
    else app.replaceChildren(tabs, filters(state), note, list);
    limit = 100;
    render();
    if ([...query.keys()].length && !query.has("q")) app.scrollIntoView({ block: "nearest" });
  };
  addEventListener("hashchange", show);
  addEventListener("keydown", (e) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");
    if (e.key === "/" && !typing) {
      e.preventDefault();
      document.querySelector("[data-filter=q]")?.focus();
    }
    if (e.key === "Escape" && /^#(line|invoice)=/.test(location.hash)) location.hash = link(last);
  });
  app.hidden = false;
  show();
  setTimeout(() => { for (let p = 0; p < total; p++) haystack(p); }, 300); // the first search need not wait for it
})();
