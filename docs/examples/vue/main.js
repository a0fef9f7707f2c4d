import { FrontdeskChat } from '@frontdesk/widget/vue';
import { createApp, h, ref } from 'vue';

const options = { apiUrl: 'http://localhost:4000/chat', apiKey: 'change-me-widget-key', title: 'Support' };

createApp({
  setup() {
    const answers = ref(0);
    return () => [
      h('p', `${answers.value} answers so far`),
      h(FrontdeskChat, {
        options,
        inline: true,
        style: 'max-width: 480px; height: 560px',
        onAnswer: () => answers.value++,
      }),
    ];
  },
}).mount('#app');
