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

  // Data is plain JSON, or gzip in base64 where it is large.
  const bytesOf = (text) => {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let n = 0; n < raw.length; n++) bytes[n] = raw.charCodeAt(n);
    return bytes;
  };
  const read = async (element) => {
    if (element.dataset.encoding === "plain") return JSON.parse(element.textContent);
    const stream = new Blob([bytesOf(element.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };
  const D = await read(source);
  source.remove();

  // What only an opened position needs is unpacked when one of them is opened.
  const packed = [...document.querySelectorAll("script.details")];
  const CHUNK = Number(packed[0]?.dataset.chunk ?? 1);
  const unpacked = new Map();
  const chunkOf = (p) => Math.floor(p / CHUNK);
  const unpack = (positions) => Promise.all([...new Set(positions.map(chunkOf))].map(async (n) => {
    if (!unpacked.has(n)) unpacked.set(n, await read(packed[n]));
  }));
  const firstStep = (side, row) => {
    side.first ??= side.steps.reduce((places, n) => (places.push(places.at(-1) + n), places), [0]);
    return side.first[row];
  };
  const sideOf = (side, row) => {
    if (side.lines[row] === null) return undefined;
    const from = firstStep(side, row), places = Array.from({ length: side.steps[row] }, (_, n) => from + n);
    return { lines: side.lines[row], events: side.events[row], units: side.units[row], source: side.source[row],
      steps: places.map((n) => [side.label[n], side.of[n], side.price[n], side.flat[n], side.amount[n]]) };
  };
  const detailOf = (p) => {
    const { rows, sides, strings } = unpacked.get(chunkOf(p)), row = p % CHUNK;
    return { ...rows[row], side: (name) => sideOf(sides[name], row), text: (number) => strings[number] };
  };

  const T = (name, values = {}) => (D.texts[name] ?? name).replace(/\{(\w+)\}/g, (all, key) => values[key] ?? all);
  const named = (group, name) => D.texts[`${group}.${name}`] ?? name;
  const P = D.positions, I = D.invoices, S = D.strings;
  const total = P.id.length;
  for (const side of ["lago", "odoo", "rerate"]) { // all but the first arrive as what they are above it
    if (side !== D.pair[0]) P[side] = P[side].map((above, p) => (above === null ? null : above + (P[D.pair[0]][p] ?? 0)));
  }
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

  // --- rows: everything a filter looks at, as numbers ---------------------------------------------------------------
  const customerOf = (p) => I.customer[P.invoice[p]];
  const currencyOf = (p) => I.currency[P.invoice[p]];
  const statusOf = (p) => D.statuses[P.status[p]];
  const foundOf = (p) => D.found[P.found[p]];
  const openStatus = D.statuses.map((name) => OPEN.has(name));
  const doubted = D.found.map((list) => list.some(([cause]) => cause === "rerate_differs")); // by the re-rate alone
  const isOpen = (p) => openStatus[P.status[p]] || doubted[P.found[p]];
  const stakeOf = (p) => doubted[P.found[p]] ? P.rerate[p] - P[D.pair[0]][p] : P.delta[p];
  const nameFrom = (kindNumber, labelNumber) => {
    const kind = named("kind", S[kindNumber]), label = S[labelNumber];
    return label ? T("position.name", { kind, label }) : kind;
  };
  const nameOf = (p) => nameFrom(P.kind[p], P.label[p]);
  const aged = P.age.some((days) => days !== null);
  const ageRange = (name) => {
    const place = D.ages.findIndex(([own]) => own === name);
    return [place > 0 ? D.ages[place - 1][1] + 1 : 0, D.ages[place]?.[1] ?? Infinity];
  };
  const lazily = (make) => { let made; return () => (made ??= make()); };
  const byInvoice = lazily(() => {
    const lists = I.id.map(() => []);
    for (let p = 0; p < total; p++) lists[P.invoice[p]].push(p);
    return lists;
  });
  const indexOf = lazily(() => new Map(P.id.map((id, p) => [id, p])));
  const invoiceIndex = lazily(() => new Map(I.id.map((id, i) => [id, i])));
  const customerIndex = lazily(() => new Map(D.customers.map(([id], c) => [id, c])));

  // --- state lives in the address, so that every view is a permalink --------------------------------------------
  const DEFAULTS = { view: "lines", q: "", cause: "", side: "", customer: "", service: "", age: "", min: "", open: "1", material: "", sort: "delta", dir: "desc" };
  const parse = () => ({ ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(location.hash.slice(1))) });
  const link = (state) => {
    const changed = Object.entries(state).filter(([key, value]) => DEFAULTS[key] !== value && value !== undefined);
    return `#${new URLSearchParams(changed)}` || "#";
  };
  const keep = (state) => Object.fromEntries(Object.keys(DEFAULTS).map((key) => [key, state[key]]));
  const PAGE = 100;
  let limit = PAGE;

  // Each filter that is set becomes one test of a row; what it looks up is prepared once, not per row.
  const lower = (text) => text.toLocaleLowerCase(D.locale);
  const searchTest = (word) => {
    const customers = D.customers.map((both) => lower(both.join(" ")).includes(word));
    const numbers = I.number.map((number) => lower(number).includes(word));
    const services = S.map((service) => lower(service).includes(word));
    const names = new Map();
    const nameHit = (p) => {
      const key = P.kind[p] * S.length + P.label[p];
      if (!names.has(key)) names.set(key, lower(nameOf(p)).includes(word));
      return names.get(key);
    };
    const byId = /^[0-9a-f]{4,12}$/.test(word);
    return (p) => customers[customerOf(p)] || numbers[P.invoice[p]] || services[P.service[p]] || nameHit(p) || (byId && P.id[p].includes(word));
  };
  const tests = (state) => {
    const all = [];
    const holds = (place, wanted) => {
      const fits = D.found.map((list) => list.some((finding) => finding[place] === wanted));
      all.push((p) => fits[P.found[p]]);
    };
    if (state.open) all.push(isOpen);
    if (state.cause) holds(0, state.cause);
    if (state.side) holds(1, state.side);
    if (state.customer) {
      const wanted = customerIndex().get(state.customer);
      all.push((p) => customerOf(p) === wanted);
    }
    if (state.service) all.push((p) => S[P.service[p]] === state.service);
    if (state.age) {
      const [from, to] = ageRange(state.age);
      all.push((p) => P.age[p] !== null && P.age[p] >= from && P.age[p] <= to);
    }
    if (state.material) all.push((p) => Math.abs(stakeOf(p)) >= D.materiality);
    if (Number(state.min)) {
      const least = I.currency.map((currency) => Number(state.min) * 10 ** D.digits[currency]);
      all.push((p) => Math.abs(stakeOf(p)) >= least[P.invoice[p]]);
    }
    all.push(...lower(state.q).split(/\s+/).filter(Boolean).map(searchTest));
    return all;
  };
  const filtered = (state) => {
    const all = tests(state), order = ordered(state.sort, state.dir), found = [];
    rows: for (const p of order) {
      for (const test of all) if (!test(p)) continue rows;
      found.push(p);
    }
    return found;
  };

  // --- list ------------------------------------------------------------------------------------------------------
  // Names by their place in the alphabet: comparing texts is slow, so each distinct one is compared once.
  const nameRanks = lazily(() => {
    const texts = new Map();
    for (let p = 0; p < total; p++) texts.set(P.kind[p] * S.length + P.label[p], nameOf(p));
    const collator = new Intl.Collator(D.locale);
    return new Map([...texts].sort((a, b) => collator.compare(a[1], b[1])).map(([key], rank) => [key, rank]));
  });
  const SORTS = {
    age: (p) => P.age[p] ?? -1,
    delta: (p) => Math.abs(stakeOf(p)),
    customer: customerOf,
    invoice: (p) => P.invoice[p],
    line: (p) => nameRanks().get(P.kind[p] * S.length + P.label[p]),
    date: (p) => Number(I.day[P.invoice[p]].replaceAll("-", "")),
  };
  const orders = new Map();
  const ordered = (sort, dir) => {
    const key = `${sort}|${dir}`;
    if (!orders.has(key)) orders.set(key, inOrder(SORTS[sort] ?? SORTS.delta, dir === "asc" ? 1 : -1));
    return orders.get(key);
  };
  // One number per row, the key and then the place: numbers alone are sorted many times faster than by a function.
  const inOrder = (keyOf, sign) => {
    const keys = Float64Array.from({ length: total }, (_, p) => sign * keyOf(p));
    const most = keys.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    if ((most + 1) * total > Number.MAX_SAFE_INTEGER) return [...keys.keys()].sort((a, b) => keys[a] - keys[b] || a - b);
    return keys.map((key, p) => key * total + p).sort().map((both) => ((both % total) + total) % total);
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
  const statusName = (p) => T(`status.${statusOf(p)}`, pairNames);
  const badge = (p) => {
    const waived = foundOf(p).length > 0 && foundOf(p).every(([, , covered]) => covered);
    return el("span", { class: `badge ${waived ? "waived" : statusOf(p)}` }, statusName(p));
  };
  const causesOf = (p) => [...new Set(foundOf(p).map(([cause]) => named("cause", cause)))].join(", ");

  const more = (all, shown, render) => all > shown
    ? el("p", { class: "more" }, el("button", { type: "button", onclick: () => { limit += 400; render(); } }, `${T("more")} (${count(all - shown)})`))
    : null;

  const lines = (state, rows) => {
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
    const groups = new Map(), currencies = Object.keys(D.digits), place = I.currency.map((c) => currencies.indexOf(c));
    const [left, right] = D.pair.map((side) => P[side]);
    for (const p of rows) {
      const key = keyOf(p), id = key * currencies.length + place[P.invoice[p]];
      let sum = groups.get(id);
      if (sum === undefined) groups.set(id, sum = { key, currency: currencyOf(p), first: p, number: 0, left: 0, right: 0, delta: 0 });
      sum.number += 1;
      sum.left += left[p] ?? 0;
      sum.right += right[p] ?? 0;
      sum.delta += P.delta[p];
      if (p < sum.first) sum.first = p;
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
  const services = (state, rows) => grouped(state, rows, (p) => P.service[p], T("service"), (g) => [
    S[g.key] ? el("a", { href: link({ ...keep(state), view: "lines", service: S[g.key] }) }, S[g.key]) : "–"]);
  const VIEWS = { lines, invoices, customers, services };

  // --- filters: made once, then only set --------------------------------------------------------------------------
  const choose = (name, label, options) => el("label", {}, label,
    el("select", { "data-filter": name, onchange: (e) => change({ [name]: e.target.value }) },
      el("option", { value: "" }, T("all")), options.map(([value, shown]) => el("option", { value }, shown))));
  const check = (name, label) => el("label", { class: "check" },
    el("input", { type: "checkbox", "data-filter": name, onchange: (e) => change({ [name]: e.target.checked ? "1" : "" }) }), label);
  const distinct = (place) => [...new Set(D.found.flatMap((list) => list.map((finding) => finding[place])))].sort();
  const serviceNames = [...new Set(P.service)].map((s) => S[s]).filter(Boolean).sort();
  const form = el("form", { class: "filters", role: "search", onsubmit: (e) => e.preventDefault() },
    el("label", {}, T("search"), el("input", { type: "search", "data-filter": "q", placeholder: T("search.hint"), oninput: (e) => change({ q: e.target.value }) })),
    choose("cause", T("cause"), distinct(0).map((c) => [c, named("cause", c)])),
    choose("side", T("wrong_side"), distinct(1).map((s) => [s, named("side", s)])),
    choose("service", T("service"), serviceNames.map((s) => [s, s])),
    choose("customer", T("customer"), D.customers),
    aged && choose("age", T("age"), D.ages.map(([name]) => [name, named("age", name)])),
    el("label", {}, T("at_least"), el("input", { type: "number", min: "0", step: "any", "data-filter": "min", oninput: (e) => change({ min: e.target.value }) })),
    check("open", T("only_open")),
    D.materiality > 0 && check("material", T("only_material")),
    el("button", { type: "button", onclick: () => go({ ...DEFAULTS, view: parse().view }) }, T("reset")));
  const fields = [...form.querySelectorAll("[data-filter]")];
  const set = (state) => {
    for (const field of fields) {
      const value = state[field.dataset.filter];
      if (field.type === "checkbox") field.checked = Boolean(value);
      else if (field.value !== value && field !== document.activeElement) field.value = value;
    }
  };

  // --- one invoice ---------------------------------------------------------------------------------------------------
  const stepsTable = (steps, text) => el("table", {}, el("tbody", {}, steps.map(([label, units, price, flat, amount]) => el("tr", {},
    el("td", {}, text(label)),
    el("td", { class: "n" }, [units !== null && exact(units), price !== null && `× ${exact(price)}`, flat !== null && `+ ${exact(flat)}`].filter(Boolean).join(" ")),
    el("td", { class: "n" }, amount === null ? "" : exact(amount))))));
  const column = (p, side, own) => {
    const cents = P[side][p], detail = own.side(side), currency = currencyOf(p);
    const facts = detail ? [
      detail.units !== null && `${counted("units", detail.units, exact(detail.units))}`,
      detail.events !== null && `${counted("events", detail.events, count(detail.events))}`,
      detail.lines > 1 && T("grouped", { n: detail.lines }),
    ].filter(Boolean).join(" · ") : "";
    const empty = cents === null ? T("silent") : !P.header[p] && detail?.lines === 0 ? T("unbilled") : null;
    return el("div", { class: "column" },
      el("h4", { class: `name ${side}` }, named("side", side)),
      el("p", { class: "amount" }, money(cents, currency)),
      empty && el("p", { class: "quiet" }, empty),
      facts && el("p", {}, facts),
      detail && detail.source !== null && el("p", {}, el("small", {}, own.text(detail.source))),
      detail?.steps.length > 0 && stepsTable(detail.steps, own.text));
  };
  const finding = ([cause, side, delta, proven, evidence, remedy, waiver], currency, text) => el("div", { class: `finding ${waiver ? "waived" : ""}` },
    el("p", {}, el("strong", {}, named("cause", cause)), " ", el("span", { class: `side ${side}` }, named("side", side)), " ",
      money(delta, currency, true), " ", el("small", {}, proven ? T("proven") : T("not_proven"))),
    evidence.map((e) => el("p", {}, text(e))),
    remedy !== null && el("p", {}, el("small", {}, `${T("remedy")}: `), text(remedy)),
    waiver && el("p", {}, T("waived_by", { rule: waiver })));
  const usage = ({ said, more, events }) => {
    const asked = events.some((event) => event[3] !== null);
    const rows = events.map(([id, at, properties, held]) => el("tr", {}, el("th", { scope: "row" }, id), cell(T("usage.at"), at),
      cell(T("usage.properties"), properties), asked && cell(T("usage.in_odoo"), held ? T("usage.yes") : el("strong", { class: "bad" }, T("usage.no")))));
    return el("details", { class: "usage" }, el("summary", {}, said),
      el("table", { class: "cards" }, el("thead", {}, el("tr", {}, head(T("usage.event")), head(T("usage.at")), head(T("usage.properties")), asked && head(T("usage.in_odoo")))),
        el("tbody", {}, rows)), more > 0 && el("p", { class: "quiet" }, T("usage.more", { n: count(more) })));
  };
  const position = (p, open) => {
    const currency = currencyOf(p);
    const body = el("div", { class: "body" });
    const fill = () => {
      if (body.childNodes.length) return;
      const own = detailOf(p);
      body.append(el("p", { class: "quiet" }, named("reading", S[P.verdict[p]])),
        ...(own.findings ?? []).map((f) => finding(f, currency, own.text)),
        el("div", { class: "sides" }, D.sides.map((side) => column(p, side, own))));
      if (own.age !== undefined) body.append(el("p", {}, own.text(own.age)));
      if (own.usage) body.append(usage(own.usage));
      if (own.looks) body.append(el("p", {}, T("lookalike"), " ", own.looks.map((id) => [el("a", { href: `#line=${id}` }, nameOf(indexOf().get(id))), " "]).flat()));
      if (D.trimmed && !isOpen(p)) body.append(el("p", { class: "quiet" }, T("steps.left_out")));
      body.append(el("p", { class: "keys" }, el("a", { href: `#line=${P.id[p]}` }, T("permalink")),
        own.key && el("small", {}, own.key.map(([k, v]) => `${named("key", own.text(k))} ${named("kind", own.text(v))}`).join(" · "))));
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
    const own = byInvoice()[i], currency = I.currency[i];
    const sum = (side) => own.reduce((a, p) => (a === null || (P[side][p] === null && statusOf(p) !== "outside") ? null : a + (P[side][p] ?? 0)), 0);
    const page = el("div", {},
      el("p", {}, el("a", { href: link(last) }, `← ${T("back")}`)),
      el("h3", {}, `${T("invoice")} ${I.number[i] || I.id[i]}`),
      el("p", { class: "facts" }, el("span", {}, el("a", { href: link({ ...DEFAULTS, view: "invoices", open: "", customer: D.customers[I.customer[i]][0] }) }, D.customers[I.customer[i]][1])),
        el("span", {}, day(I.day[i])), el("span", {}, named("type", I.type[i])), el("span", {}, named("state", I.state[i]))),
      el("div", { class: "sides" }, D.sides.map((side) => el("div", { class: "column" }, el("h4", { class: `name ${side}` }, named("side", side)),
        el("p", { class: "amount" }, own.some((p) => P[side][p] !== null) ? money(sum(side), currency) : "–")))),
      I.refusals[i].map(([side, reason, detail, waiver]) => el("div", { class: `finding ${waiver ? "waived" : ""}` }, el("p", {}, el("strong", {}, reason), " ", el("span", { class: `side ${side}` }, named("side", side))), el("p", {}, detail))),
      own.map((p) => position(p, p === target || (target === undefined && isOpen(p) && own.length < 30))));
    return page;
  };

  // --- routing -------------------------------------------------------------------------------------------------------
  let last = { ...DEFAULTS };
  const list = el("div", { class: "scroll", "aria-live": "polite" });
  const note = el("p", { class: "quiet" });
  const go = (state) => {
    const target = link(state);
    if (location.hash === target || (target === "#" && !location.hash)) show(); else location.hash = target;
  };
  const change = (values) => {
    limit = PAGE;
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
  let shown = 0; // only the last of several pages asked for at once is shown
  const show = async () => {
    const mine = ++shown;
    const query = new URLSearchParams(location.hash.slice(1));
    const p = query.has("line") ? indexOf().get(query.get("line")) : undefined;
    const i = p !== undefined ? P.invoice[p] : query.has("invoice") ? invoiceIndex().get(query.get("invoice")) : undefined;
    if (i !== undefined) {
      await unpack(byInvoice()[i]);
      if (mine !== shown) return;
      app.replaceChildren(invoicePage(i, p));
      const hit = p !== undefined ? document.getElementById(`p${P.id[p]}`) : null;
      hit?.classList.add("hit");
      app.hidden = false; // what is hidden cannot be scrolled to
      (hit ?? app).scrollIntoView({ block: "start" });
      return;
    }
    if (!app.contains(list)) app.replaceChildren(tabs, form, note, list);
    set(parse());
    limit = PAGE;
    render();
    app.hidden = false;
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
  await show();
})();
