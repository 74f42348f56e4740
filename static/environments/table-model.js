// The table of a data set while it is edited: columns, and rows of {label, cells}, all as text.
export class Table {
  constructor({ columns, rows }, { rows: mostRows, columns: mostColumns }) {
    this.columns = [...columns];
    this.rows = rows.map(({ label, cells }) => ({ label, cells: [...cells] }));
    this.mostRows = mostRows;
    this.mostColumns = mostColumns;
  }

  addRow(at = this.rows.length) {
    if (this.rows.length >= this.mostRows) return false;
    this.rows.splice(at, 0, { label: "", cells: this.columns.map(() => "") });
    return true;
  }

  removeRow(index) {
    this.rows.splice(index, 1);
  }

  addColumn(word) {
    if (this.columns.length >= this.mostColumns) return false;
    let number = this.columns.length + 1;
    while (this.columns.includes(`${word}_${number}`)) number += 1;
    this.columns.push(`${word}_${number}`);
    for (const row of this.rows) row.cells.push("");
    return true;
  }

  removeColumn(index) {
    this.columns.splice(index, 1);
    for (const row of this.rows) row.cells.splice(index, 1);
  }

  /** Put *lines* of cells from row *top* (-1: the column names) and column *left* (-1: the labels); false: cut. */
  paste(lines, top, left, word) {
    let whole = true;
    lines.forEach((cells, down) => {
      const row = top + down;
      while (row >= this.rows.length && this.addRow());
      if (row >= this.rows.length) return void (whole = false);
      cells.forEach((text, right) => {
        const column = left + right;
        while (column >= this.columns.length && this.addColumn(word));
        if (column >= this.columns.length) whole = false;
        else this.put(row, column, text);
      });
    });
    return whole;
  }

  put(row, column, text) {
    if (row < 0) {
      if (column >= 0) this.columns[column] = text.trim();
    } else if (column < 0) this.rows[row].label = text;
    else this.rows[row].cells[column] = text;
  }

  get(row, column) {
    if (row < 0) return this.columns[column];
    return column < 0 ? this.rows[row].label : this.rows[row].cells[column];
  }
}
