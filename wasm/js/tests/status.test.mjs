// The operator's status page in a real browser: a thousand services with hostile names. CHROMIUM is the browser's program, SCREENSHOTS a folder for
// pictures, if they are wanted.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { native, tools } from "./places.mjs";

const { CHROMIUM: executablePath, SCREENSHOTS: screenshots } = process.env;
const { chromium } = createRequire(join(tools, "package.json"))("playwright-core");
const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const HOSTILE = [
  "<script>window.hacked=1;alert(1)</script>",
  '"><img src=x onerror="window.hacked=1">',
  "' onmouseover='window.hacked=1",
  "</style><script>window.hacked=1</script>",
  "\u202egnp.exe\u202c \u05d0\u05d1\u05d2",
  "x".repeat(255),
  "{{7*7}} ${7*7} &lt;b&gt;",
];
const VERBS = ["orders", "payments", "search", "cart", "stock", "mail", "prices", "users"];
const instance = (n, port = "8080") => ({ InstanceId: `i-${n}`, Attributes: { AWS_INSTANCE_IPV4: `10.${n >> 8}.${n & 255}.1`, AWS_INSTANCE_PORT: port } });
const service = (namespace, name, instances) => ({ namespace: { Name: namespace, Id: `ns-${namespace}` }, service: { Name: name }, instances });

function snapshot(extra = []) {
  const services = HOSTILE.map((name, n) => service("hostile", name, [instance(n)]));
  for (let n = services.length; n < 1000; n++) {
    const bad = n % 100 === 0 ? [instance(n + 3000, "http")] : [];
    const instances = [instance(n), instance(n + 1000), instance(n + 2000), ...bad].slice(0, 1 + (n % 3) + bad.length * 3);
    // The orders have health checks, and some fail.
    if (n % 8 === 0) instances.forEach((each, at) => Object.assign(each, { HealthStatus: at === 1 && n % 5 === 0 ? "UNHEALTHY" : "HEALTHY" }));
    services.push(service(`team-${n % 7}`, `${VERBS[n % 8]}-${n}`, instances));
  }
  return JSON.stringify({ services: [...services, ...extra] });
}

let browser, directory, operator, address, page, problems, requests;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "status-"));
  mkdirSync(join(directory, "entries"));
  writeFileSync(join(directory, "snapshot.json"), snapshot());
  operator = spawn(native, ["serve", "--listen=127.0.0.1:0", "--interval=200ms", "--from=file:snapshot.json", "--to=dir:entries"], {
    cwd: directory,
    env: { PATH: process.env.PATH, NO_COLOR: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lines = createInterface({ input: operator.stderr });
  address = await new Promise((resolve) => lines.on("line", (line) => line.includes("http://") && resolve(/http:\S+/.exec(line)[0])));
  while (!(await fetch(`${address}/readyz`)).ok) await new Promise((next) => setTimeout(next, 200));
  browser = await chromium.launch({ executablePath, args: QUIET });
});
after(async () => {
  await browser?.close();
  operator.kill("SIGKILL");
  await once(operator, "exit");
  rmSync(directory, { recursive: true });
});

async function open(path = "/", options = {}) {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options });
  [problems, requests] = [[], []];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("dialog", (dialog) => problems.push(dialog.message()));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(address + path);
}

const rows = () => page.locator("#live-services tbody tr").count();
const matching = (words) => page.waitForFunction((words) => document.querySelector("#live-services .count").textContent.startsWith(words), words);
const picture = (name, options) => (screenshots ? page.screenshot({ path: join(screenshots, `status-${name}.png`), ...options }) : undefined);

// What would turn a line around is written out.
const shown = (name) => name.replaceAll(/[\u202a-\u202e]/g, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

test("hostile names are shown as they are, and nothing of them runs", async () => {
  await open("/?q=hostile");
  assert.equal(await rows(), HOSTILE.length);
  const names = await page.locator("#live-services tbody th > bdi").allTextContents();
  assert.deepEqual(names.toSorted(), HOSTILE.map(shown).toSorted());
  await page.hover("#live-services tbody tr:nth-child(3) th");
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.equal(await page.locator("img").count(), 0);
  assert.deepEqual(problems, []);
  assert.ok(requests.every((url) => url.startsWith(address) || url.startsWith("data:")), `${requests}`);
  await picture("hostile", { fullPage: true });
});

test("the health of a service's instances is beside its endpoints", async () => {
  const endpoints = async (name) => {
    await open(`/?q=${name}`);
    return (await page.textContent("#live-services tbody td.number")).replaceAll(/\s+/g, " ").trim();
  };
  assert.match(await endpoints("orders-104"), /^3\s?3 of 3 healthy$/);
  assert.match(await endpoints("orders-320"), /^2\s?1 of 3 unhealthy$/);
  assert.match(await endpoints("cart-995"), /^3$/);
});

test("the filter works by the keyboard alone, as one types, and is in the address", async () => {
  await open();
  await matching("1,000 services, page 1 of 4");
  await page.keyboard.press("/");
  await page.keyboard.type("orders-104 team");
  await matching("1 service match");
  assert.equal(new URL(page.url()).search, "?q=orders-104+team");
  assert.equal(await page.evaluate(() => document.activeElement.id), "filter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await matching("0 services");
  assert.deepEqual(problems, []);
});

test("without JavaScript the form filters, and links lead through the pages", async () => {
  await open("/", { javaScriptEnabled: false });
  assert.equal(await rows(), 250);
  await page.click("text=Next");
  assert.match(await page.textContent("#live-services .count"), /page 2 of 4/);
  await page.fill("#filter", "payments-17");
  await page.press("#filter", "Enter");
  assert.match(await page.textContent("#live-services .count"), /^\d services? match/);
  await page.fill("#filter", "");
  await page.check("text=Only problems");
  await page.click("text=Filter");
  assert.ok((await rows()) > HOSTILE.length - 3, `${await rows()}`);
});

test("it refreshes by itself, and keeps what is typed and open", async () => {
  await open("/?q=newcomer");
  await matching("0 services");
  writeFileSync(join(directory, "snapshot.json"), snapshot([service("team-1", "newcomer", [instance(5000)])]));
  await matching("1 service match");
  assert.equal(await page.inputValue("#filter"), "newcomer");
  assert.match(await page.textContent("#live-changes"), /created.*newcomer/);
});

test("it fits a phone and a screen, dark and light", async () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const [width, height] of [[1440, 900], [390, 844], [320, 640]]) {
      await open("/", { colorScheme, viewport: { width, height } });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${width}: ${overflow} pixels too wide`);
      await picture(`${colorScheme}-${width}`);
      await page.goto(`${address}/?q=hostile`);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${width}, hostile`);
    }
  }
  assert.deepEqual(problems, []);
});
