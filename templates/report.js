"use strict";
// Rows come packed (gzip, base64) and are shown a page at a time. Text enters the page as text only, never as markup.
(() => {
  const SIZE = 100;
  const $ = (selector, root = document) => root.querySelector(selector);
  const detail = $("#detail");
  const explorers = {};
  let words;

  const h = (tag, attrs, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attrs || {})) key === "onclick" ? node.addEventListener("click", value) : node.setAttribute(key, value);
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };
  const clip = (text, limit) => (text.length > limit ? text.slice(0, limit - 1) + "…" : text);
  const count = (n, one) => `${n.toLocaleString("en")} ${n === 1 ? one : one + "s"}`;
  const account = (id) => words.names[id] || id;
  const when = (text) => String(text || "").replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*Z$/, "$1 $2 UTC");
  const badge = (status) => h("span", { class: `badge ${status}` }, h("span", { class: "sym", "aria-hidden": "true" }, words.status[status][0]), words.status[status][1]);
  const state = (name) => h("span", { class: `t-${name}` }, h("span", { class: "sym", "aria-hidden": "true" }, words.state[name][0]), " " + words.state[name][1]);
  const severity = (name) => h("span", { class: `sev ${name}` }, name[0].toUpperCase() + name.slice(1));
  const pairs = (entries) => h("dl", { class: "facts" }, entries.filter(([, v]) => v !== "" && v !== undefined && v !== null).map(([k, v]) => h("div", null, h("dt", null, k), h("dd", null, v))));

  const unpack = async (id) => {
    const bytes = Uint8Array.from(atob($(`#data-${id}`).textContent), (c) => c.charCodeAt(0));
    return JSON.parse(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text());
  };

  // What the hash says: "#findings?status=fail&page=2" is a section and its filters.
  const readHash = () => {
    const [name, query] = location.hash.slice(1).split(/\?(.*)/s);
    return [name, new URLSearchParams(query || "")];
  };

  class Explorer {
    constructor(name, rows, spec) {
      Object.assign(this, { name, rows, spec, state: {}, shown: rows });
      this.root = document.getElementById(name);
      this.form = $("form", this.root);
      this.body = $("tbody", this.root);
      this.pager = $(".pager", this.root);
      this.form.hidden = false;
      for (const [key, label] of Object.entries(spec.filters)) this.fill(key, label);
      let timer;
      this.form.addEventListener("input", (event) => {
        clearTimeout(timer);
        timer = setTimeout(() => this.apply(this.fromForm()), event.target.name === "q" ? 120 : 0);
      });
      this.form.addEventListener("submit", (event) => event.preventDefault());
      this.form.addEventListener("reset", (event) => { event.preventDefault(); this.apply({}); });
      $("[name=prev]", this.pager).addEventListener("click", () => this.turn(-1));
      $("[name=next]", this.pager).addEventListener("click", () => this.turn(1));
      this.show();
    }

    fill(key, label) {
      const counts = new Map();
      for (const row of this.rows) counts.set(row[key], (counts.get(row[key]) || 0) + 1);
      const order = this.spec.order[key];
      const values = [...counts.keys()].sort((a, b) => (order ? order.indexOf(a) - order.indexOf(b) : a < b ? -1 : 1));
      this.form.elements[key].append(...values.map((v) => h("option", { value: v }, `${clip(label(v), 60)} (${counts.get(v).toLocaleString("en")})`)));
    }

    fromForm() {
      return Object.fromEntries([...new FormData(this.form)].filter(([, v]) => v));
    }

    // The filters of `next` and nothing else; the hash follows, so that a view can be sent to a colleague.
    apply(next, write = true) {
      this.state = next;
      for (const element of this.form.elements) if (element.name) element.value = next[element.name] || "";
      const terms = (next.q || "").toLowerCase().split(/\s+/).filter(Boolean);
      const keys = Object.keys(this.spec.filters).filter((key) => next[key]);
      this.shown = this.rows.filter((row) => keys.every((key) => row[key] === next[key]) && (!terms.length || this.matches(row, terms)));
      this.show();
      if (write) this.write();
    }

    matches(row, terms) {
      row.$ ??= (JSON.stringify(Object.values(row)) + " " + this.spec.words(row)).toLowerCase();
      return terms.every((term) => row.$.includes(term));
    }

    write(id) {
      const query = new URLSearchParams({ ...this.state, ...(id ? { id } : {}) });
      query.delete("page");
      if (this.page > 0) query.set("page", this.page + 1);
      const text = query.toString();
      history.replaceState(null, "", `#${this.name}${text ? "?" + text : ""}`);
    }

    get page() {
      return Math.min(Math.max((Number(this.state.page) || 1) - 1, 0), Math.max(Math.ceil(this.shown.length / SIZE) - 1, 0));
    }

    turn(by) {
      this.state = { ...this.state, page: this.page + 1 + by };
      this.show();
      this.write();
      this.root.scrollIntoView();
    }

    show() {
      const from = this.page * SIZE;
      const part = this.shown.slice(from, from + SIZE);
      this.body.replaceChildren(...part.map((row, i) => {
        const open = h("button", { type: "button", class: "open" }, this.spec.label(row));
        const tr = h("tr", { class: "hit" }, this.spec.cells(row, open).map((cell) => h("td", null, cell)));
        tr.addEventListener("click", () => { if (!String(getSelection())) this.open(from + i); });
        return tr;
      }));
      const all = this.shown.length === this.rows.length;
      $(".found", this.root).textContent = this.shown.length ? `${all ? "" : this.shown.length.toLocaleString("en") + " of "}${count(this.rows.length, this.spec.noun)}` : `No ${this.spec.noun} fits these filters.`;
      this.pager.hidden = this.shown.length <= SIZE;
      $("span", this.pager).textContent = `${(from + 1).toLocaleString("en")}–${(from + part.length).toLocaleString("en")} of ${this.shown.length.toLocaleString("en")}`;
      $("[name=prev]", this.pager).disabled = from === 0;
      $("[name=next]", this.pager).disabled = from + SIZE >= this.shown.length;
    }

    open(at) {
      const row = this.shown[at];
      if (!row) return;
      const go = (by) => this.open(at + by);
      const bar = h("div", { class: "dbar" },
        h("button", { type: "button", onclick: () => go(-1), ...(at ? {} : { disabled: "" }) }, "← Previous"),
        h("span", { class: "muted" }, `${(at + 1).toLocaleString("en")} of ${this.shown.length.toLocaleString("en")}`),
        h("button", { type: "button", onclick: () => go(1), ...(at + 1 < this.shown.length ? {} : { disabled: "" }) }, "Next →"),
        h("button", { type: "button", class: "close", onclick: () => detail.close() }, "Close"));
      $(".body", detail).replaceChildren(bar, ...this.spec.detail(row));
      detail.onkeydown = (event) => { if (event.key === "ArrowLeft") go(-1); if (event.key === "ArrowRight") go(1); };
      detail.onclose = () => this.write();
      if (!detail.open) detail.showModal();
      detail.scrollTop = 0;
      this.write(row.id);
    }
  }

  const mono = (text) => h("span", { class: "mono" }, text || "");
  const said = (word) => (word ? word[0].toUpperCase() + word.slice(1) : "");

  const causeDetail = (cause) => {
    const { rules = [], network_acl: acl, route } = cause;
    const groups = cause.security_groups || { verdict: cause.verdict };
    const part = (one, lines) => one && [h("b", null, said(one.verdict)),
      h("ul", null, lines.map((line) => h("li", null, ...line)), (one.reasons || []).map((reason) => h("li", { class: "muted" }, reason)))];
    return [
      h("p", null, cause.statement || ""),
      pairs([
        ["Security group", part(groups, rules.map((r) => [mono(r.group_id), ` (${r.group_name || ""}) ${r.rule || ""}`, r.description ? h("span", { class: "muted" }, `: “${r.description}”`) : ""]))],
        ["Network ACL", part(acl, ((acl || {}).entries || []).map((e) => [mono(e.network_acl_id), ` ${e.rule || ""}`]))],
        ["Route", part(route, ((route || {}).routes || []).map((r) => [mono(r.route_table_id), ` ${r.destination || ""} to `, mono(r.target || "nothing"), r.state && r.state !== "active" ? ` (${r.state})` : ""]))],
      ]),
    ];
  };

  const findingDetail = (f) => {
    const facts = f.facts || {};
    const waiver = f.waiver;
    const cause = f.cause;
    return [
      h("p", { class: "dhead" }, badge(f.status), severity(f.severity), h("span", { class: "muted" }, f.label)),
      h("h2", { id: "detail-title" }, f.detail),
      h("p", null, h("a", { href: `#control-${f.control}`, onclick: () => detail.close() }, words.controls[f.control] || f.control)),
      pairs([["Resource", h("span", { class: "mono" }, f.resource)], ["ARN", f.arn && h("span", { class: "mono" }, f.arn)], ["Type", f.type], ["Account", `${account(f.account)} ${f.account}`], ["Region", f.region],
        ["First seen", when(facts.first)], ["Last seen", when(facts.last)], ["Rows", facts.rows && facts.rows.toLocaleString("en")], ["Bytes", facts.bytes && facts.bytes.toLocaleString("en")], ["Packets", facts.packets && facts.packets.toLocaleString("en")],
        ["Decided by", facts.basis && Object.entries(facts.basis).map(([k, n]) => `${k}: ${count(n, "row")}`).join(", ")],
        ["Peers", facts.peers && h("ul", { class: "mono" }, facts.peers.map((p) => h("li", null, `${p.address}  ${count(p.rows, "row")}`)))]]),
      h("h3", null, "Evidence"),
      ...f.evidence.map(([kind, source, line, text, sha]) => h("div", { class: "ev" }, h("pre", null, text), h("p", { class: "mono muted" }, source + (line ? `, line ${line}` : ""), sha ? h("span", { class: "sha" }, `SHA-256 ${sha}`) : ""))),
      ...(cause ? [h("h3", null, "Why it was let through"), ...causeDetail(cause)] : []),
      ...(waiver ? [h("h3", null, waiver.expired ? "Waiver, expired" : "Waiver"), h("p", null, waiver.reason), pairs([["Owner", waiver.owner], ["Approved by", `${waiver.approved_by} on ${waiver.approved_on}`], ["Expires", waiver.expires], ["Ticket", waiver.ticket]])] : []),
      h("h3", null, "Identity"),
      pairs([...Object.entries(f.group).map(([k, v]) => [k, h("span", { class: "mono" }, v)]), ["Fingerprint", h("span", { class: "mono" }, f.id)]]),
    ];
  };

  const resourceDetail = (r) => [
    h("p", { class: "dhead" }, state(r.state), h("span", { class: "muted" }, r.type)),
    h("h2", { id: "detail-title", class: "mono" }, r.id),
    r.reasons ? h("p", null, r.reasons) : "",
    pairs([["Name", r.name], ["ARN", h("span", { class: "mono" }, r.arn)], ["Account", `${account(r.account)} ${r.account}`], ["Region", r.region], ["VPC", h("span", { class: "mono" }, r.vpc)],
      ...Object.entries(r.facts).map(([k, v]) => [k.replaceAll("_", " "), v])]),
  ];

  const follow = () => {
    const [name, query] = readHash();
    const status = name === "controls" ? query.get("status") : null;
    for (const control of document.querySelectorAll("details.ctl")) control.hidden = Boolean(status) && control.dataset.status !== status;
    for (const chip of document.querySelectorAll("#control-filter a")) chip.toggleAttribute("aria-current", (chip.dataset.status || null) === status);
    if (name.startsWith("control-")) {
      const control = document.getElementById(name);
      if (control) { control.open = true; control.scrollIntoView(); }
    }
    const explorer = explorers[name];
    if (explorer) {
      const { id, ...wanted } = Object.fromEntries(query);
      explorer.apply(wanted, false);
      if (!id) detail.close();
      else explorer.open(explorer.shown.findIndex((row) => row.id === id));
    }
    if ((explorer || name === "controls") && [...query].length) document.getElementById(name).scrollIntoView();
  };

  const start = async () => {
    const findings = await unpack("findings");
    const resources = await unpack("resources");
    words = findings;
    explorers.findings = new Explorer("findings", findings.rows, {
      noun: "finding",
      filters: { status: (v) => words.status[v][1], severity: (v) => v, account: (v) => `${account(v)} ${v}`, region: (v) => v, control: (v) => v },
      order: { status: Object.keys(words.status), severity: words.severities },
      words: (f) => `${words.controls[f.control] || ""} ${account(f.account)}`,
      label: (f) => f.label,
      cells: (f, open) => [badge(f.status), [open, h("br"), severity(f.severity)],
        [clip(f.detail, 260), h("br"), h("span", { class: "muted" }, f.control)],
        [h("span", { class: "mono" }, clip(f.resource, 90)), h("br"), h("span", { class: "muted" }, `${account(f.account)} · ${f.region}`)]],
      detail: findingDetail,
    });
    explorers.resources = new Explorer("resources", resources.rows, {
      noun: "resource",
      filters: { state: (v) => words.state[v][1], type: (v) => v, account: (v) => `${account(v)} ${v}`, region: (v) => v },
      order: { state: Object.keys(words.state) },
      words: (r) => account(r.account),
      label: (r) => clip(r.id, 80),
      cells: (r, open) => [state(r.state), [open, h("br"), h("span", { class: "muted" }, r.type + (r.name ? ` · ${clip(r.name, 60)}` : ""))], clip(r.reasons, 200), [account(r.account), h("br"), h("span", { class: "muted" }, r.region)]],
      detail: resourceDetail,
    });
    addEventListener("hashchange", follow);
    addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || detail.open || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
      event.preventDefault();
      const search = explorers.findings.form.elements.q;
      search.focus();
      search.select();
    });
    detail.addEventListener("click", (event) => { if (event.target === detail) detail.close(); });
    follow();
    document.documentElement.dataset.ready = "yes";
  };

  const spy = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of document.querySelectorAll(".side nav a")) link.toggleAttribute("aria-current", link.hash === "#" + entry.target.id);
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  document.querySelectorAll("main > section").forEach((section) => spy.observe(section));
  start();
})();
