// The playground in a real browser, opened from the disk. CHROMIUM is the browser's program, SCREENSHOTS a folder for pictures, if they are wanted.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { playground, tools } from "./places.mjs";

const { CHROMIUM: executablePath, SCREENSHOTS: screenshots } = process.env;
const { chromium } = createRequire(join(tools, "package.json"))("playwright-core");
const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
let browser, page, problems, requests;

before(async () => {
  browser = await chromium.launch({ executablePath, args: QUIET });
});
after(() => browser.close());

async function open(options = {}) {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  [problems, requests] = [[], []];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(playground).href);
  await page.waitForFunction(() => document.getElementById("status").textContent !== "");
}

const status = () => page.textContent("#status");
const picture = (name) => (screenshots ? page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true }) : undefined);
const settled = (words) => page.waitForFunction((words) => new RegExp(words).test(document.getElementById("status").textContent), words);

test("it opens from the disk with an example, and asks for nothing else", async () => {
  await open();
  assert.equal(await status(), "1 ServiceEntry, 0 errors, 0 warnings");
  assert.match(await page.textContent("#yaml"), /- getistio-external-service\.my-namespace\n/);
  assert.match(await page.textContent("#drawing svg title"), /ports http 80, https 443 lead to 1 endpoints/);
  assert.deepEqual(requests.filter((url) => !url.startsWith("file:") && !url.startsWith("data:")), []);
  await picture("tutorial");
});

test("every example is shown without a problem of the page's own", async () => {
  await open();
  const count = await page.locator("#example option").count();
  assert.ok(count > 50);
  for (let index = 0; index < count; index += 1) {
    await page.selectOption("#example", { index });
    assert.match(await status(), /ServiceEntr/);
  }
  assert.deepEqual(problems, []);
});

test("a remark stands beside the line that it speaks of", async () => {
  await open();
  await page.selectOption("#example", { label: "bad instances and services cost only themselves" });
  const lines = (await page.inputValue("#text")).split("\n");
  const numbers = await page.locator("#gutter .warning, #gutter .error").allTextContents();
  assert.ok(lines[Number(/\d+/.exec(numbers[0])[0]) - 1].includes("7"), numbers[0]);
  assert.equal(await page.locator("#remarks li").count(), 5);
  await page.locator("#remarks button").nth(2).click();
  const line = await page.evaluate(() => {
    const text = document.getElementById("text");
    return text.value.slice(text.selectionStart).split("\n")[0];
  });
  assert.match(line, /AWS_INSTANCE_PORT/);
  await picture("remarks");
});

test("what is typed is translated, and what is wrong with it is marked", async () => {
  await open();
  await page.fill("#text", '{\n  "Instances": [\n    {"InstanceId": "i", \n');
  await settled("1 error");
  assert.match(await page.textContent("#remarks"), /InvalidInput.*line \d/);
  const list = '{"Instances": [{"Id": "i-1", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "8080"}}]}';
  await page.fill("#text", list);
  await settled("1 error");
  await page.click("#options-box summary");
  await page.fill("#options [name=service]", "web");
  await page.fill("#options [name=namespace]", "prod");
  await settled("1 ServiceEntry, 0 errors");
  await page.selectOption("#options [name=addresses]", "none");
  await page.fill("#options [name=protocols]", '{"8080": "GRPC"}');
  await page.waitForFunction(() => /protocol: GRPC/.test(document.getElementById("yaml").textContent));
  await page.fill("#options [name=protocols]", "{8080");
  await settled("1 error");
  assert.match(await page.textContent("#remarks"), /protocols.*no JSON/);
});

test("what is pasted is text and never markup", async () => {
  await open();
  const hostile = "<img src=x onerror=alert(1)>";
  const service = { namespace: { Name: "a" }, service: { Name: hostile }, instances: [{ InstanceId: hostile, Attributes: { AWS_INSTANCE_IPV4: hostile } }] };
  await page.fill("#text", JSON.stringify({ services: [service] }));
  await settled("1 error");
  assert.match(await page.textContent("#remarks"), /<img/);
  assert.equal(await page.locator("img").count(), 0);
  assert.deepEqual(problems, []);
});

test("all of it can be done with the keyboard", async () => {
  await open();
  await page.selectOption("#example", { label: "bad instances and services cost only themselves" });
  await page.focus("#text");
  const caret = () => page.evaluate(() => document.getElementById("text").value.slice(0, document.getElementById("text").selectionStart).split("\n").length);
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("F8");
  assert.equal(await caret(), 3);
  await page.keyboard.press("F8");
  assert.equal(await caret(), 8);
  await page.keyboard.press("Shift+F8");
  assert.equal(await caret(), 3);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "SUMMARY");
  for (const control of await page.locator("button, select, input, textarea").all()) {
    const named = await control.evaluate((element) => element.textContent.trim() || element.labels?.length > 0 || element.hasAttribute("aria-labelledby"));
    assert.ok(named, await control.evaluate((element) => element.outerHTML));
  }
});

test("dark is what the system says, or what is chosen", async () => {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await open({ colorScheme: "light" });
  const light = await ground();
  await page.click("#theme");
  const dark = await ground();
  assert.notEqual(light, dark);
  await open({ colorScheme: "dark" });
  assert.equal(await ground(), dark);
  await picture("dark");
});

test("on a phone nothing is wider than the screen", async () => {
  await open({ viewport: { width: 390, height: 844 } });
  await page.selectOption("#example", { label: "bad instances and services cost only themselves" });
  await page.click("#options-box summary");
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390);
  await picture("phone");
});

test("a snapshot of a thousand services is shown, and scrolls", async () => {
  await open();
  const services = Array.from({ length: 1000 }, (_, index) => ({
    namespace: { Name: "prod" },
    service: { Name: `s${index}` },
    instances: [{ InstanceId: "i", Attributes: { AWS_INSTANCE_IPV4: "10.0.0.1", AWS_INSTANCE_PORT: index === 999 ? "x" : "80" } }],
  }));
  await page.evaluate((text) => {
    document.getElementById("text").value = text;
    document.getElementById("text").dispatchEvent(new Event("input"));
  }, JSON.stringify({ services }, null, 2));
  await settled("1000 ServiceEntries, 0 errors, 2 warnings");
  await page.locator("#remarks button").first().click();
  await page.waitForFunction(() => document.querySelector("#gutter .warning") !== null);
  assert.deepEqual(problems, []);
});
