import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', '*.mjs', 'test/e2e/'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'off',
      // In VS Code's API a Disposable is whatever has dispose().
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidOperator: true, ignoreVoidReturningFunctions: true }],
    },
  },
  {
    files: ['src/editor/**/*.ts'],
    ignores: ['src/editor/notices.ts'],
    // What others have named would be links in them.
    rules: {
      'no-restricted-properties': [
        'error',
        ...['showInformationMessage', 'showWarningMessage', 'showErrorMessage', 'withProgress'].map((property) => ({ property, message: 'Say it by notices.ts.' })),
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    // A test's promise is the runner's.
    rules: { '@typescript-eslint/no-floating-promises': 'off', '@typescript-eslint/explicit-function-return-type': 'off' },
  },
);
