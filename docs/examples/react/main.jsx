import { FrontdeskChat } from '@frontdesk/widget/react';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

function App() {
  const [answers, setAnswers] = useState(0);
  return (
    <>
      <p>{answers} answers so far</p>
      <FrontdeskChat
        apiUrl="http://localhost:4000/chat"
        apiKey="change-me-widget-key"
        title="Support"
        inline
        style={{ maxWidth: 480, height: 560 }}
        onAnswer={() => setAnswers((count) => count + 1)}
      />
    </>
  );
}

createRoot(document.querySelector('#app')).render(<App />);
