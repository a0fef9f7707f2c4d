// Which variable of a script every name means, and what happens if they get other names. Reads what terser writes: scripts
// without `with`, `eval` or labels.
import { parse } from 'acorn';

/**
 * A script's variables, in the order in which they are met. Each has a `key` that stays the same when the code around it changes,
 * the places where it is named (`uses`), and in `foes` the variables that may not get the same name. `members` are the places
 * where a property is named, but for those where a variable of the same name is meant as well: there it is the use's `property`.
 */
export function readScopes(code) {
  const ast = parse(code, { ecmaVersion: 2022, sourceType: 'module' });
  const variables = [];
  const named = [];
  const members = [];
  const root = newScope(undefined, '');
  visit(ast, root);
  const globals = new Set();
  for (const { scope, node, property } of named) {
    const variable = find(scope, node.name);
    if (variable) variable.uses.push({ start: node.start, end: node.end, property, scope });
    else globals.add(node.name);
  }
  findFoes();
  return { ast, variables, globals, members };

  function newScope(parent, name) {
    const unnamed = parent && !name ? `${parent.blocks++}` : name;
    return { parent, path: parent ? `${parent.path}/${unnamed}` : '', names: new Map(), blocks: 0 };
  }

  function declare(scope, name) {
    if (scope.names.has(name)) return;
    const variable = { name, scope, key: `${scope.path}/${name}`, isTop: !scope.parent, uses: [], foes: new Set() };
    scope.names.set(name, variable);
    variables.push(variable);
  }

  function find(scope, name) {
    for (let at = scope; at; at = at.parent) if (at.names.has(name)) return at.names.get(name);
    return undefined;
  }

  /** Two variables need different names if one of them is used where the other one is declared, or further inside. */
  function findFoes() {
    const used = new Map();
    for (const variable of variables) {
      const scopes = new Set([variable.scope]);
      for (const { scope } of variable.uses) for (let at = scope; at !== variable.scope; at = at.parent) scopes.add(at);
      for (const scope of scopes) used.set(scope, [...(used.get(scope) ?? []), variable]);
    }
    for (const variable of variables)
      for (const other of used.get(variable.scope)) {
        if (other === variable) continue;
        variable.foes.add(other);
        other.foes.add(variable);
      }
  }

  /** Names in a pattern, which are declared in `into` if that is given. */
  function visitPattern(node, scope, into) {
    if (!node) return;
    if (node.type === 'Identifier') {
      if (into) declare(into, node.name);
      named.push({ scope, node });
    } else if (node.type === 'ObjectPattern') {
      for (const part of node.properties) {
        if (part.type === 'RestElement' || !part.shorthand) {
          if (part.key) visitKey(part, scope);
          visitPattern(part.argument ?? part.value, scope, into);
          continue;
        }
        const { left = part.value, right } = part.value.type === 'AssignmentPattern' ? part.value : {};
        if (into) declare(into, left.name);
        named.push({ scope, node: left, property: part.key.name });
        visit(right, scope);
      }
    } else if (node.type === 'ArrayPattern') for (const part of node.elements) visitPattern(part, scope, into);
    else if (node.type === 'AssignmentPattern') {
      visitPattern(node.left, scope, into);
      visit(node.right, scope);
    } else if (node.type === 'RestElement') visitPattern(node.argument, scope, into);
    else visit(node, scope);
  }

  function visitKey({ key, computed }, scope) {
    if (computed) visit(key, scope);
    else if (key.type === 'Identifier') members.push(key);
  }

  /** What is declared in a block is known in all of it. */
  function hoist(nodes, scope) {
    for (const node of nodes) {
      if (/^(Function|Class)Declaration$/.test(node?.type)) declare(scope, node.id.name);
      if (node?.type === 'VariableDeclaration' && node.kind !== 'var') declareAll(node, scope);
    }
  }

  function declareAll({ declarations }, scope) {
    for (const { id } of declarations) for (const name of namesIn(id)) declare(scope, name);
  }

  /** What `var` declares is known in all of the function. */
  function hoistVars(node, scope) {
    if (!node || /Function/.test(node.type)) return;
    if (node.type === 'VariableDeclaration' && node.kind === 'var') declareAll(node, scope);
    for (const child of childrenOf(node)) hoistVars(child, scope);
  }

  function visitFunction(node, scope, name) {
    const inner = newScope(scope, name);
    if (node.type === 'FunctionExpression' && node.id) {
      declare(inner, node.id.name);
      named.push({ scope: inner, node: node.id });
    }
    for (const part of node.params) visitPattern(part, inner, inner);
    if (node.body.type !== 'BlockStatement') return visit(node.body, inner);
    hoist(node.body.body, inner);
    hoistVars(node.body, inner);
    for (const child of node.body.body) visit(child, inner);
  }

  function visitBlock(declaring, children, scope) {
    const inner = newScope(scope);
    hoist(declaring, inner);
    for (const child of children) visit(child, inner);
  }

  /** `name` is what a function is called by whoever holds it. */
  function visit(node, scope, name) {
    if (!node) return;
    if (node.type === 'Program') {
      hoist(node.body, scope);
      hoistVars(node, scope);
      for (const child of node.body) visit(child, scope);
    } else if (node.type === 'FunctionDeclaration') {
      named.push({ scope, node: node.id });
      visitFunction(node, scope, node.id.name);
    } else if (/Function/.test(node.type)) visitFunction(node, scope, name);
    else if (node.type === 'BlockStatement') visitBlock(node.body, node.body, scope);
    else if (node.type === 'ForStatement')
      visitBlock([node.init], [node.init, node.test, node.update, node.body], scope);
    else if (/^For(Of|In)Statement$/.test(node.type))
      visitBlock([node.left], [node.left, node.right, node.body], scope);
    else if (node.type === 'CatchClause') {
      const inner = newScope(scope);
      visitPattern(node.param, inner, inner);
      hoist(node.body.body, inner);
      for (const child of node.body.body) visit(child, inner);
    } else if (node.type === 'VariableDeclarator') {
      visitPattern(node.id, scope);
      visit(node.init, scope, node.id.name);
    } else if (node.type === 'Identifier') named.push({ scope, node });
    else if (node.type === 'MemberExpression') {
      visit(node.object, scope);
      visitKey({ key: node.property, computed: node.computed }, scope);
    } else if (/^(Property|MethodDefinition|PropertyDefinition)$/.test(node.type)) {
      if (node.shorthand) return named.push({ scope, node: node.value, property: node.key.name });
      visitKey(node, scope);
      visit(node.value, scope, node.key.name);
    } else if (node.type === 'AssignmentExpression') {
      visitPattern(node.left, scope);
      visit(node.right, scope);
    } else for (const child of childrenOf(node)) visit(child, scope);
  }
}

function namesIn(pattern) {
  const { type } = pattern ?? {};
  if (type === 'Identifier') return [pattern.name];
  if (type === 'ObjectPattern') return pattern.properties.flatMap((part) => namesIn(part.argument ?? part.value));
  if (type === 'ArrayPattern') return pattern.elements.flatMap(namesIn);
  if (type === 'AssignmentPattern') return namesIn(pattern.left);
  return type === 'RestElement' ? namesIn(pattern.argument) : [];
}

function childrenOf(node) {
  return Object.values(node)
    .flat()
    .filter((child) => typeof child?.type === 'string');
}
