// Runs of members, in objects and in patterns, that can stand in any order, because nothing happens while they are read.

const PURE =
  /^(Literal|Identifier|TemplateLiteral|TemplateElement|(Arrow)?FunctionExpression|MemberExpression|ChainExpression)$/;
const PURE_IF_ALL_INSIDE = /^(Unary|Binary|Logical|Conditional|Object|Array)Expression$|^(Property|AssignmentPattern)$/;

function isPure(node) {
  if (/FunctionExpression$/.test(node.type)) return true;
  if (!PURE.test(node.type) && !PURE_IF_ALL_INSIDE.test(node.type)) return false;
  return node.operator !== 'delete' && childrenOf(node).every(isPure);
}

/** Whether a value can be made at any time, because it does not depend on that of anything else. */
export function isFixed({ type, operator, ...node }) {
  if (/^(Arrow)?FunctionExpression$/.test(type)) return true;
  return /^(Literal|(Unary|Array)Expression)$/.test(type) && operator !== 'delete' && childrenOf(node).every(isFixed);
}

export const nameOf = ({ key }) => key.name ?? key.value;

const isMovable = (member) => member.type === 'Property' && !member.computed && isPure(member.value);

const childrenOf = (node) =>
  Object.values(node)
    .flat()
    .filter((child) => typeof child?.type === 'string');

/** All runs in a syntax tree, outer ones before those in them. Runs of the same names have the same `key`. */
export function findRuns(node, found = []) {
  if (/^Object(Expression|Pattern)$/.test(node.type)) {
    let run = [];
    for (const member of [...node.properties, undefined]) {
      if (member && isMovable(member)) run.push(member);
      else {
        const names = run.map(nameOf);
        if (run.length > 1) found.push({ key: [...names].sort().join(), names, members: run });
        run = [];
      }
    }
  }
  for (const child of childrenOf(node)) findRuns(child, found);
  return found;
}
