import { cloneElement, isValidElement, type ReactNode } from "react";

type Component = (props: object) => ReactNode | Promise<ReactNode>;

/** A page's tree with its server components rendered, wherever they stand, so that the browser's part can be mounted. */
export async function settle(node: ReactNode | Promise<ReactNode>): Promise<ReactNode> {
  const tree = await node;
  if (Array.isArray(tree)) return Promise.all(tree.map(settle));
  if (!isValidElement<Record<string, ReactNode>>(tree)) return tree;
  const { type, props } = tree;
  if (typeof type === "function" && type.constructor.name === "AsyncFunction") return settle((type as Component)(props));

  const changed: Record<string, ReactNode> = {};
  for (const [name, value] of Object.entries(props)) {
    if (holdsElements(value)) changed[name] = await settle(value);
  }
  // Children that stand side by side need no keys, as long as they are not a list.
  const { children, ...others } = changed;
  return Array.isArray(children) ? cloneElement(tree, others, ...children) : cloneElement(tree, changed);
}

function holdsElements(value: unknown): boolean {
  return Array.isArray(value) ? value.some(holdsElements) : isValidElement(value);
}
