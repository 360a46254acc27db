// The form of the options, made of their JSON Schema: an option that is added to the core is in the form.

import { element, prose } from "./dom.js";

/** What the input itself may not say, beside the names of service and namespace, which have fields of their own in the form. */
const NAMES = {
  source: { type: "string", description: "The name of the source." },
  region: { type: "string", description: "The AWS region." },
};

/** Fills a form, and calls back when an option changes. The function that is returned reads it: `{ options, bad: [names] }`. */
export function optionsForm(form, schema, changed) {
  const controls = new Map([...form.elements].map((control) => [control.name, control]));
  for (const [name, property] of Object.entries({ ...schema.properties, ...NAMES })) {
    const control = controlOf(resolve(property, schema), property);
    control.name = name;
    controls.set(name, control);
    const help = property.description ?? resolve(property, schema).description ?? "";
    form.append(element("label", {}, element("code", {}, name), control, element("small", {}, ...prose(help))));
  }
  // Fields outside of the form belong to it too, but their events don't pass through it.
  for (const control of controls.values()) control.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  return {
    read: () => read(controls),
    set: (options) => {
      for (const [name, control] of controls) control.value = name in options ? written(options[name]) : "";
    },
  };
}

function read(controls) {
  const [options, bad] = [{}, []];
  for (const [name, control] of controls) {
    const text = control.value.trim();
    control.removeAttribute("aria-invalid");
    if (text === "") continue;
    try {
      options[name] = control.dataset.json ? JSON.parse(text) : text;
    } catch {
      bad.push(name);
      control.setAttribute("aria-invalid", "true");
    }
  }
  return { options, bad };
}

function written(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function resolve(property, schema) {
  const reference = property.$ref ?? property.anyOf?.find((one) => one.$ref)?.$ref;
  return reference ? schema.$defs[reference.split("/").at(-1)] : property;
}

function controlOf(type, property) {
  const choices = (type.oneOf ?? []).filter((one) => one.const !== undefined).map((one) => one.const);
  if (choices.length > 0) return choice([...new Set([...choices, ...(type.enum ?? [])])], property.default);
  if (type.enum) return choice(type.enum, property.default);
  const input = element("input", { autocomplete: "off", spellcheck: false });
  const isText = [type.type].flat().includes("string");
  if (!isText) input.dataset.json = "true";
  const shown = property.default === undefined || property.default === null ? "" : written(property.default);
  input.placeholder = shown || (isText ? "" : "JSON");
  return input;
}

function choice(values, standard) {
  const select = element("select");
  const option = (value, text) => element("option", { value }, text);
  select.append(option("", standard === undefined || standard === null ? "(not set)" : `${standard} (default)`));
  select.append(...values.filter((value) => value !== standard).map((value) => option(value, value)));
  return select;
}
