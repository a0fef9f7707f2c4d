/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";
import type * as chat from "../chat.js";
import type * as conversations from "../conversations.js";
import type * as health from "../health.js";
import type * as inbox from "../inbox.js";
import type * as lib_begin from "../lib/begin.js";
import type * as lib_counters from "../lib/counters.js";
import type * as lib_filtering from "../lib/filtering.js";
import type * as lib_find from "../lib/find.js";
import type * as lib_history from "../lib/history.js";
import type * as lib_limits from "../lib/limits.js";
import type * as lib_openai from "../lib/openai.js";
import type * as lib_preview from "../lib/preview.js";
import type * as lib_prompt from "../lib/prompt.js";
import type * as lib_shapes from "../lib/shapes.js";
import type * as lib_throttle from "../lib/throttle.js";
import type * as lib_uuid from "../lib/uuid.js";
import type * as moving from "../moving.js";
import type * as nodes from "../nodes.js";
import type * as operators from "../operators.js";
import type * as sites from "../sites.js";
import type * as turns from "../turns.js";

/**
 * A utility for referencing Convex functions in your app's API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
declare const fullApi: ApiFromModules<{
  chat: typeof chat;
  conversations: typeof conversations;
  health: typeof health;
  inbox: typeof inbox;
  "lib/begin": typeof lib_begin;
  "lib/counters": typeof lib_counters;
  "lib/filtering": typeof lib_filtering;
  "lib/find": typeof lib_find;
  "lib/history": typeof lib_history;
  "lib/limits": typeof lib_limits;
  "lib/openai": typeof lib_openai;
  "lib/preview": typeof lib_preview;
  "lib/prompt": typeof lib_prompt;
  "lib/shapes": typeof lib_shapes;
  "lib/throttle": typeof lib_throttle;
  "lib/uuid": typeof lib_uuid;
  moving: typeof moving;
  nodes: typeof nodes;
  operators: typeof operators;
  sites: typeof sites;
  turns: typeof turns;
}>;
export declare const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
>;
export declare const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
>;
