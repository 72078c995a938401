// Nodes, made without any parsing of text: what a name holds can never become an element.

const svgSpace = 'http://www.w3.org/2000/svg';

function append(node, children) {
    for (const child of children.flat(Infinity)) {
        if (child !== null && child !== undefined && child !== false) {
            node.append(child);
        }
    }
    return node;
}

function set(node, name, value) {
    if (value === null || value === undefined || value === false) {
        return;
    }
    if (name.startsWith('on')) {
        node.addEventListener(name.slice(2), value);
    } else if (name === 'style') {
        // One property after the other: the content security policy refuses the attribute.
        for (const [property, text] of Object.entries(value)) {
            node.style.setProperty(property, text);
        }
    } else if (name === 'value' || name === 'checked') {
        node[name] = value;
    } else {
        node.setAttribute(name, value === true ? '' : value);
    }
}

function build(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
        set(node, name, value);
    }
    return append(node, children);
}

// h('a', { class: 'x', href: '..', onclick: f, style: { '--share': '0.5' }, title: null }, 'text', node, [..]):
// null, undefined and false are left out, of attributes and of children; children are text or nodes.
export function h(tag, attributes, ...children) {
    return build(document.createElement(tag), attributes, children);
}

// The same for SVG.
export function s(tag, attributes, ...children) {
    return build(document.createElementNS(svgSpace, tag), attributes, children);
}

// What a node is to have, once nothing in it is pressed any more.
const waiting = new WeakMap();

// A click is one only where what was pressed is still there when it is let go.
export const isPressed = (node) => node.matches(':active');

// Puts children in the place of what the node has.
export function replace(node, ...children) {
    waiting.delete(node);
    node.replaceChildren();
    return append(node, children);
}

// What tells a control apart from its neighbours, also once it was made anew.
const nameOf = (node) => [node.tagName, node.getAttribute('aria-label') ?? node.textContent, node.getAttribute('href')].join(' ');

// The same, where somebody may be reading, typing or pressing: the focus goes to what is like the one that had it, what
// scrolls within itself (.tall) stays where it was, at its end where that was in sight, and what is pressed stays until it
// is let go.
export function renew(node, ...children) {
    if (isPressed(node)) {
        waiting.set(node, children);
        requestAnimationFrame(() => waiting.get(node) === children && renew(node, ...children));
        return;
    }
    const focused = node.contains(document.activeElement) ? nameOf(document.activeElement) : null;
    const places = [...node.querySelectorAll('.tall')].map((one) => (
        one.scrollTop > 0 && one.scrollTop + one.clientHeight >= one.scrollHeight - 2 ? Infinity : one.scrollTop));
    replace(node, ...children);
    for (const [index, one] of node.querySelectorAll('.tall').entries()) {
        one.scrollTop = Math.min(places[index] ?? 0, one.scrollHeight);
    }
    if (focused !== null) {
        const like = [...node.querySelectorAll('a, button, input, select, summary')].find((one) => nameOf(one) === focused);
        (like ?? node.querySelector('input'))?.focus({ preventScroll: true });
    }
}

// Makes parent's children those of `items`, in that order. key(item) is a string that tells them apart;
// make(item) makes a node, and update(node, item) brings one up to date that was there before.
// What stays is not moved, so focus, scroll position and selection stay too.
export function reconcile(parent, items, { key, make, update }) {
    const known = parent.cleatNodes ?? new Map();
    const nodes = new Map();
    for (const item of items) {
        const name = key(item);
        const node = known.get(name);
        if (node !== undefined && update !== undefined) {
            update(node, item);
        }
        nodes.set(name, node ?? make(item));
    }
    for (const [name, node] of known) {
        if (!nodes.has(name)) {
            node.remove();
        }
    }
    let next = parent.firstChild;
    for (const node of nodes.values()) {
        if (node === next) {
            next = next.nextSibling;
        } else {
            parent.insertBefore(node, next);
        }
    }
    parent.cleatNodes = nodes;
}

// True where keys are text: shortcuts must leave them alone.
export function isTyping(target) {
    return target instanceof Element && target.closest('input:not([type=checkbox]), textarea, select') !== null;
}
