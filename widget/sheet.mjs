// A style sheet as its rules, whose declarations can be written in any order in which none undoes another.

/** Rules, and between them whatever is none. */
export function readSheet(css) {
  return css
    .split(/(\{[^{}]*\})/)
    .map((text) => (/^\{.*\}$/.test(text) ? { declarations: text.slice(1, -1).split(';') } : text));
}

const propertyOf = (declaration) => declaration.slice(0, declaration.indexOf(':'));

/** Every property that the sheet sets. */
export const propertiesOf = (sheet) => [
  ...new Set(sheet.flatMap(({ declarations = [] }) => declarations.map(propertyOf))),
];

/** Whether one property also sets the other one, and so has to come first. */
const includes = (one, other) =>
  one === 'all' ||
  other.startsWith(`${one}-`) ||
  (one === 'font' && other === 'line-height') ||
  (one === 'inset' && /^(top|bottom|left|right)$/.test(other)) ||
  (one === 'border-radius' && /^border-.+-radius$/.test(other));

/** Whether the sheet means the same in this order. */
export const isSafe = (order) =>
  order.every((one, index) => !order.slice(0, index).some((other) => includes(one, other)));

export function writeSheet(sheet, order) {
  const place = new Map(order.map((property, index) => [property, index]));
  const rank = (declaration) => place.get(propertyOf(declaration)) ?? order.length;
  return sheet
    .map((rule) =>
      typeof rule === 'string'
        ? rule
        : `{${[...rule.declarations].sort((one, other) => rank(one) - rank(other)).join(';')}}`,
    )
    .join('');
}
