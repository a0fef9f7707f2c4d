/** A chat as a Vue component. */

import { defineComponent, h, onBeforeUnmount, onMounted, type PropType, ref, shallowRef, watch } from 'vue';
import type { FrontdeskChat as Chat, FrontdeskOptions } from '../src/frontdesk';
import { createChat, EVENTS } from './index';

/** There while it is mounted. Other options make another chat. It exposes the chat's API as `chat`. */
export const FrontdeskChat = defineComponent({
  name: 'FrontdeskChat',
  props: {
    options: { type: Object as PropType<Omit<FrontdeskOptions, 'target'>>, required: true },
    /** The chat fills the component's own element, in place of a corner of the page. */
    inline: Boolean,
  },
  emits: [...EVENTS],
  setup(props, { emit, expose }) {
    const place = ref<HTMLElement>();
    const chat = shallowRef<Chat>();
    const end = () => chat.value?.destroy();
    const begin = () => {
      end();
      const made = createChat({ ...props.options, target: props.inline ? place.value : undefined });
      for (const event of EVENTS) made?.on(event, (detail) => emit(event, event === 'ready' ? made : detail));
      chat.value = made;
    };
    onMounted(begin);
    watch(() => JSON.stringify([props.inline, props.options]), begin, { flush: 'post' });
    onBeforeUnmount(end);
    expose({ chat });
    return () => (props.inline ? h('div', { ref: place }) : null);
  },
});
