/** Elements from their description. Text is always set as text. */

export interface Attributes {
  readonly [name: string]: string | number | boolean | undefined;
}

type Child = Node | string | undefined;

/** The element; attributes that are undefined or false are left out, true is an empty value. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : `${value}`);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** The element with that id. Throws where the page has none: the page and this script belong together. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** A button that calls back when it is pressed. */
export function button(text: string, attributes: Attributes, pressed: () => void): HTMLButtonElement {
  const made = element("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", pressed);
  return made;
}
