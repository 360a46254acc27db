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
const MISTAKES = "Mistakes in two of four instances";
let browser, page, problems, requests;

before(async () => {
  browser = await chromium.launch({ executablePath, args: QUIET });
});
after(() => browser.close());

async function open(options = {}, fragment = "") {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  [problems, requests] = [[], []];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(playground).href + fragment);
  await page.waitForFunction(() => document.getElementById("status").textContent !== "");
}

const status = () => page.textContent("#status");
const picture = (name) => (screenshots ? page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true }) : undefined);
const settled = (words) => page.waitForFunction((words) => new RegExp(words).test(document.getElementById("status").textContent), words);

test("it opens from the disk with an example, and asks for nothing else", async () => {
  await open();
  assert.equal(await status(), "1 ServiceEntry, 0 errors, 0 warnings");
  assert.match(await page.inputValue("#text"), /^\{\n {4}"Instances": /);
  assert.match(await page.textContent("#yaml"), /- web\.shop\n/);
  assert.match(await page.textContent("#drawing"), /80httpHTTP.*10\.0\.1\.11:80.*10\.0\.2\.12:80/);
  assert.match(await page.getAttribute(".project", "href"), /^https:\/\/github\.com\//);
  assert.deepEqual(requests.filter((url) => !url.startsWith("file:") && !url.startsWith("data:")), []);
  await picture("start");
});

test("every example becomes ServiceEntries, without a problem of the page's own", async () => {
  await open();
  const names = await page.locator("#example option").allTextContents();
  assert.ok(names.length >= 12 && names.length <= 16, `${names.length}`);
  for (const label of names) {
    await page.selectOption("#example", { label });
    const [, entries] = /^(\d+) ServiceEntr.*, 0 errors/.exec(await status()) ?? assert.fail(`${label}: ${await status()}`);
    assert.equal((await page.textContent("#yaml")).split("kind: ServiceEntry\n").length - 1, Number(entries), label);
    assert.ok(await page.locator("#drawing .endpoint").count() > 0, label);
  }
  assert.deepEqual(problems, []);
});

test("a remark stands beside the line that it speaks of", async () => {
  await open();
  await page.selectOption("#example", { label: MISTAKES });
  const lines = (await page.inputValue("#text")).split("\n");
  const numbers = await page.locator("#gutter .warning, #gutter .error").allTextContents();
  assert.match(lines[Number(/\d+/.exec(numbers[0])[0])], /mail-2/);
  assert.match(await page.textContent("#marks .warning"), /AWS_INSTANCE_PORT/);
  assert.equal(await page.locator("#remarks li").count(), 2);
  await page.locator("#remarks button").nth(1).click();
  const line = await page.evaluate(() => {
    const text = document.getElementById("text");
    return text.value.slice(text.selectionStart).split("\n")[1];
  });
  assert.match(line, /mail-3/);
  await picture("remarks");
});

test("what is typed is translated, and what is wrong with it is marked", async () => {
  await open();
  await page.fill("#text", '{\n  "Instances": [\n    {"InstanceId": "i", \n');
  await settled("1 error");
  assert.match(await page.textContent("#remarks"), /InvalidInput.*line \d/);
  const list = '{"Instances": [{"Id": "i-1", "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "8080"}}]}';
  await page.fill("#text", list);
  await page.waitForFunction(() => document.getElementById("service").ariaInvalid === "true");
  await page.fill("#service", "web");
  await page.waitForFunction(() => document.getElementById("service").ariaInvalid === "false");
  assert.equal(await page.getAttribute("#namespace", "aria-invalid"), "true");
  await page.fill("#namespace", "prod");
  await settled("1 ServiceEntry, 0 errors");
  await page.click("#options-box summary");
  await page.selectOption("#options [name=addresses]", "none");
  await page.fill("#options [name=protocols]", '{"8080": "GRPC"}');
  await page.waitForFunction(() => /protocol: GRPC/.test(document.getElementById("yaml").textContent));
  await page.fill("#options [name=protocols]", "{8080");
  await settled("1 error");
  assert.match(await page.textContent("#remarks"), /protocols.*not valid JSON/);
});

test("an error keeps the last good result, marked as such", async () => {
  await open();
  const [yaml, drawing] = [await page.textContent("#yaml"), await page.textContent("#drawing")];
  for (const broken of [`${await page.inputValue("#text")}{`, ""]) {
    await page.fill("#text", broken);
    await settled("Not translated: 1 error");
    assert.equal(await page.textContent("#yaml"), yaml);
    assert.equal(await page.textContent("#drawing"), drawing);
    assert.equal(await page.locator(".old:visible").count(), 2);
    assert.ok(await page.isDisabled("#copy"));
    assert.equal(await page.locator("#marks .error").count(), 1);
    await page.selectOption("#example", { index: 1 });
    await page.selectOption("#example", { index: 0 });
    assert.equal(await page.locator(".old:visible").count(), 0);
  }
});

test("each part of the entry has its reason, on a wide screen and on a phone", async () => {
  await open();
  await page.click("#to-why");
  assert.match(await page.textContent("#reasons"), /Service ports80 port.*Endpoints10\.0\.1\.11.*behind port 80.*Instances.*AWS_INSTANCE_IPV4/s);
  await picture("why");
  await page.click("#to-result");
  assert.ok(await page.isVisible("#yaml") && !(await page.isVisible("#reasons")));
  await open({ viewport: { width: 390, height: 844 } });
  await page.click("#tabs >> text=Why");
  assert.ok(await page.isVisible("#reasons") && !(await page.isVisible("#yaml")));
  assert.match(await page.textContent("#reasons"), /Endpoints10\.0\.1\.11/);
  await picture("why-phone");
  assert.deepEqual(problems, []);
});

test("a link has the input and the options in its fragment", async () => {
  await open();
  await page.selectOption("#example", { label: "A canary, by labels and weights" });
  const [text, yaml] = [await page.inputValue("#text"), await page.textContent("#yaml")];
  await page.click("#share");
  await page.waitForFunction(() => location.hash !== "");
  const link = page.url();
  await open({}, new URL(link).hash);
  assert.equal(await page.inputValue("#text"), text);
  assert.equal(await page.textContent("#yaml"), yaml);
  await page.fill("#text", `${text} `);
  assert.equal(new URL(page.url()).hash, "");
  await open({}, "#v1=broken");
  assert.match(await status(), /^1 ServiceEntry/);
  assert.deepEqual(problems, []);
});

test("the YAML can be downloaded", async () => {
  await open();
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
  assert.equal(download.suggestedFilename(), "cloudmap-web.shop.yaml");
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
  await page.selectOption("#example", { label: MISTAKES });
  await page.focus("#text");
  const caret = () => page.evaluate(() => document.getElementById("text").value.slice(0, document.getElementById("text").selectionStart).split("\n").length);
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("F8");
  assert.equal(await caret(), 13);
  await page.keyboard.press("F8");
  assert.equal(await caret(), 23);
  await page.keyboard.press("Shift+F8");
  assert.equal(await caret(), 13);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.closest("#remarks") !== null), true);
  for (const control of await page.locator("button, select, input, textarea").all()) {
    const named = await control.evaluate((element) => element.textContent.trim() || element.labels?.length > 0 || element.hasAttribute("aria-labelledby"));
    assert.ok(named, await control.evaluate((element) => element.outerHTML));
  }
});

test("light, dark and the system's own can be chosen whatever the system has", async () => {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const choose = async (theme) => {
    await page.check(`#theme [value=${theme}]`, { force: true });
    return ground();
  };
  const [light, dark] = ["rgb(243, 245, 248)", "rgb(14, 18, 23)"];
  for (const colorScheme of ["light", "dark"]) {
    await open({ colorScheme });
    assert.equal(await ground(), colorScheme === "dark" ? dark : light);
    assert.equal(await choose("light"), light);
    assert.equal(await choose("dark"), dark);
    assert.equal(await choose("auto"), colorScheme === "dark" ? dark : light);
    await picture(colorScheme);
  }
});

test("the drawing is readable at any width: text of 12 px and more, grouped above 24 endpoints, nothing cut off", async () => {
  for (const width of [360, 390, 1440]) {
    await open({ viewport: { width, height: 844 } });
    if (width < 900) await page.click("#tabs button:text('Drawing')");
    for (const label of ["120 instances in three zones", "ECS tasks on dynamic host ports"]) {
      await page.selectOption("#example", { label });
      const found = await page.evaluate(() => [...document.querySelectorAll("#drawing *:not(svg, svg *)")].filter((part) => part.checkVisibility()).map((part) => {
        const { left, right } = part.getBoundingClientRect();
        return { size: Number.parseFloat(getComputedStyle(part).fontSize), left, right };
      }));
      assert.ok(found.every(({ size, left, right }) => size >= 12 && left >= 0 && right <= width), `${width} ${label}`);
      assert.ok(await page.locator("#drawing .endpoint").count() <= 24);
    }
  }
  await page.selectOption("#example", { label: "120 instances in three zones" });
  assert.deepEqual(await page.locator("#drawing .group strong").allTextContents(), ["40 endpoints", "40 endpoints", "40 endpoints"]);
});

test("on a phone the result is seen at once, and nothing is wider than the screen", async () => {
  for (const width of [360, 390]) {
    await open({ viewport: { width, height: 740 } });
    const { y, height } = await page.locator("#yaml").boundingBox();
    assert.ok(y < 370 && y + height <= 740, `${y} ${height}`);
    await page.selectOption("#example", { label: MISTAKES });
    for (const tab of ["Result", "Drawing", "Input"]) {
      await page.click(`#tabs button:text("${tab}")`);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, tab);
    }
    await page.click("#options-box summary");
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
    await page.click("#options-box summary");
    await page.fill("#text", "{");
    await settled("Not translated");
    await page.click('#tabs button:text("Result")');
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
    await picture(`phone-${width}`);
  }
});

test("open options leave the result where it is", async () => {
  await open({ viewport: { width: 1440, height: 900 } });
  const before = await page.locator("#yaml").boundingBox();
  await page.click("#options-box summary");
  assert.deepEqual(await page.locator("#yaml").boundingBox(), before);
  assert.equal(await page.evaluate(() => document.documentElement.scrollHeight), 900);
});

test("thousands of remarks cost a moment, and the first of them are listed", async () => {
  await open();
  const Attributes = { AWS_INSTANCE_IPV4: "10.0.0.1", AWS_INSTANCE_PORT: "http" };
  const Instances = Array.from({ length: 4000 }, (_, index) => ({ InstanceId: `i-${index}`, NamespaceName: "prod", ServiceName: "web", Attributes }));
  await page.evaluate((text) => {
    document.getElementById("text").value = text;
    document.getElementById("text").dispatchEvent(new Event("input"));
  }, JSON.stringify({ Instances }, null, 4));
  await settled("0 errors, 4,0\\d\\d warnings");
  assert.match(await page.locator("#remarks li").last().textContent(), /^and 3,8\d\d more$/);
  const took = await page.evaluate(() => performance.getEntriesByName("remarks").at(-1).duration);
  // 100 ms on a quiet machine.
  assert.ok(took < 1000, `${took} ms`);
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
  await settled("1,000 ServiceEntries, 0 errors, 2 warnings");
  await page.locator("#remarks button").first().click();
  await page.waitForFunction(() => document.querySelector("#gutter .warning") !== null);
  assert.deepEqual(problems, []);
});
